"""Gaussian clusters: sample and population apart, label noise, refusals."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from corelib.datasets.clusters import clusters
from corelib.datasets.label_noise import flip_labels

pytestmark = pytest.mark.ch01


def test_the_authors_task_is_theirs_point_for_point():
    data = clusters(300, seed=1)
    x, y = make_blobs(300, centers=5, cluster_std=0.7, random_state=1)
    assert data.n_classes == 5
    np.testing.assert_array_equal(data.x.numpy(), x.astype(np.float32))
    np.testing.assert_array_equal(data.y.numpy(), y)
    assert torch.bincount(data.y).tolist() == [60] * 5


def test_given_centres_make_a_new_sample_of_the_same_population():
    centers = np.array([[0.0, 0.0, 1.0], [5.0, 5.0, -1.0]])
    first, second = (clusters(4000, centers=centers, std=0.5, seed=s) for s in (1, 2))
    assert not torch.equal(first.x, second.x)
    for data in (first, second):
        for label, center in enumerate(centers):
            own = data.x[data.y == label].double()
            np.testing.assert_allclose(own.mean(0), center, atol=0.05)
            np.testing.assert_allclose(own.std(0), 0.5, atol=0.03)


def test_a_new_seed_moves_drawn_centres():
    first, second = (clusters(1000, centers=3, seed=s) for s in (1, 2))
    means = [torch.stack([d.x[d.y == c].mean(0) for c in range(3)]) for d in (first, second)]
    assert (means[0] - means[1]).abs().max() > 1


def test_flipped_labels_have_the_rate_and_touch_nothing_else():
    data = clusters(20_000, centers=4)
    noisy = flip_labels(data, 0.2, seed=3)
    changed = noisy.y != data.y
    assert changed.double().mean().item() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(noisy.x, data.x)
    others = torch.stack([torch.bincount(noisy.y[changed & (data.y == c)], minlength=4) for c in range(4)])
    assert (others.diagonal() == 0).all()
    assert (others.double().sum(0) / changed.sum()).max() < 0.3
    assert torch.equal(noisy.y, flip_labels(data, 0.2, seed=3).y)
    assert torch.equal(flip_labels(data, 0.0, seed=3).y, data.y)
    assert (flip_labels(data, 1.0, seed=3).y != data.y).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="n, centers are 4, 5"):
        clusters(4)
    with pytest.raises(ValueError, match="n, centers are 4, 1"):
        clusters(4, centers=1)
    with pytest.raises(ValueError, match="std is 0"):
        clusters(10, std=0)
    with pytest.raises(ValueError, match="std is nan"):
        clusters(10, std=float("nan"))
    with pytest.raises(ValueError, match=r"rate is 1\.5"):
        flip_labels(clusters(10), 1.5, seed=0)
