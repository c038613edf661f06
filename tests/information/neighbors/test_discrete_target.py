"""Samples and labels: Ross by brute force and by hand, entropies by class, scikit-learn, and labels that fit badly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from corelib.information.neighbors.discrete_target import kl_mi_discrete, ross_mi
from corelib.information.neighbors.kozachenko import kl_entropy
from corelib.information.samples import DegenerateSampleError

pytestmark = pytest.mark.ch02
ESTIMATORS = [ross_mi, kl_mi_discrete]


def clusters(n=400, d=2, classes=3, gap=2.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return rng.standard_normal((n, d)) + gap * labels[:, None], labels


def brute_ross(x, labels, k):
    distance = np.abs(x[:, None] - x).max(axis=2)
    local = []
    for i, label in enumerate(labels):
        own = np.flatnonzero(labels == label)
        used = min(k, len(own) - 1)
        radius = np.sort(distance[i, own[own != i]])[used - 1]
        m = (distance[i] < radius).sum()  # the sample itself included
        local.append(digamma(len(x)) + digamma(used) - digamma(len(own)) - digamma(m))
    return np.array(local)


@pytest.mark.parametrize("backend", ["numba", "tree", "torch"])
def test_five_points_by_hand(backend):
    """Apart: every m is 1. Interleaved: radii 2, 2, 3, 6, 6 hold 2, 2, 2, 4, 3 samples."""
    labels = [0, 0, 0, 1, 1]
    settings = {"k": 1, "standardize": False, "backend": backend}
    assert ross_mi([0, 1, 3, 10, 11], labels, **settings).value == pytest.approx(47 / 60, abs=1e-12)
    assert ross_mi([0, 2, 5, 1, 7], labels, **settings).value == pytest.approx(-29 / 60, abs=1e-12)


@pytest.mark.parametrize("backend", ["numba", "tree", "torch"])
@pytest.mark.parametrize("d", [1, 2, 9])
@pytest.mark.parametrize("offset", [0.0, 0.1, 1e6], ids=lambda v: f"at {v:g}")
def test_ross_counts_strictly_whatever_the_origin(backend, d, offset):
    x, labels = clusters(200, d)
    x = x + offset
    found = ross_mi(x, labels, standardize=False, backend=backend)
    assert found.local == pytest.approx(brute_ross(x, labels, 3), abs=1e-12)


@given(st.integers(0, 9999), st.integers(1, 4))
def test_ross_on_grids_full_of_ties(seed, k):
    rng = np.random.default_rng(seed)
    x, labels = rng.permutation(60)[:24, None] / 4 * np.ones(2), rng.integers(0, 2, 24)
    x[:, 1] = rng.integers(0, 3, 24)
    labels[:4] = 0, 0, 1, 1
    found = ross_mi(x, labels, k, standardize=False)
    assert found.local == pytest.approx(brute_ross(x, labels, k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_scikit_learn_agrees_in_one_dimension(k):
    x, labels = clusters(600, 1)
    peer = mutual_info_classif(x, labels, n_neighbors=k, random_state=0)[0]
    assert ross_mi(x, labels, k).value == pytest.approx(peer, abs=0.01)


def test_the_tenth_that_a_uniform_lies_in():
    x = np.random.default_rng(3).uniform(size=(4000, 2))
    labels = np.floor(10 * x[:, 0]).astype(int)
    entropy = digamma(4000) - digamma(np.bincount(labels))[labels].mean()  # of the labels, as Ross estimates it
    assert ross_mi(x[:, 0], labels).value == pytest.approx(math.log(10), abs=0.03)
    assert ross_mi(x[:, 0], labels).value <= entropy + 1e-12
    assert kl_mi_discrete(x[:, 0], labels, rescale="none").value == pytest.approx(math.log(10), abs=0.05)
    assert ross_mi(x, labels).value == pytest.approx(math.log(10), abs=0.15)


@pytest.mark.parametrize(
    "estimator, settings", [(ross_mi, {}), (kl_mi_discrete, {"rescale": "none"})], ids=["Ross", "KL"]
)
def test_labels_that_say_nothing_and_labels_that_say_all(estimator, settings):
    x, _ = clusters(600)
    nothing = estimator(x, np.random.default_rng(1).integers(0, 3, 600), **settings).value
    assert nothing == pytest.approx(0, abs=0.06)
    x, labels = clusters(600, gap=100.0)
    shares = np.bincount(labels) / 600
    assert estimator(x, labels, **settings).value == pytest.approx(-(shares * np.log(shares)).sum(), abs=0.06)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_two_normals_with_their_information_by_quadrature(estimator):
    """Labels 0 and 1, normals two standard deviations apart: ln 2 minus the mean entropy of the label given x."""
    t = np.linspace(-12, 14, 20_001)
    densities = np.stack([np.exp(-(t**2) / 2), np.exp(-((t - 2) ** 2) / 2)]) / math.sqrt(2 * math.pi)
    mixture = densities.mean(axis=0)
    truth = (densities * np.log(densities / mixture)).mean(axis=0).sum() * (t[1] - t[0])
    x, labels = clusters(3000, 1, 2, seed=2)
    assert estimator(x, labels).value == pytest.approx(truth, abs=0.04)


@pytest.mark.parametrize("weights", [None, "berrett"])
def test_entropies_by_class_make_the_information(weights):
    x, labels = clusters(300, 4)
    settings = {"weights": weights, "rescale": "none"}
    parts = [kl_entropy(x[labels == c], 5, **settings) for c in range(3)]
    wanted = kl_entropy(x, 5, **settings) - (np.bincount(labels) / 300 * parts).sum()
    found = kl_mi_discrete(x, labels, 5, **settings)
    assert found.value == pytest.approx(wanted, abs=1e-9)
    assert found.local.mean() == pytest.approx(wanted, abs=1e-9)
    assert found.stderr == pytest.approx(found.local.std(ddof=1) / math.sqrt(300))
    assert found.settings.startswith("weighted KL by class" if weights else "KL by class")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_units_origin_and_names_of_labels_do_not_matter(estimator):
    x, labels = clusters()
    found = estimator(x, labels).value
    for scale in (1e-8, 1e5):
        assert estimator(scale * x, labels).value == pytest.approx(found, abs=1e-6)
    assert estimator(x + 1e6, labels).value == pytest.approx(found, abs=1e-3)
    assert estimator(x, np.array(["b", "c", "a"])[labels]).value == pytest.approx(found, abs=1e-12)
    assert estimator(torch.from_numpy(x), torch.from_numpy(-7 * labels)).value == pytest.approx(found, abs=1e-12)
    assert estimator(x, labels == 1).value < found


def test_without_standardising_the_unit_of_one_column_matters_to_ross():
    x, labels = clusters()
    stretched = x * [1, 50]
    assert ross_mi(stretched, labels).value == pytest.approx(ross_mi(x, labels).value, abs=1e-9)
    raw = ross_mi(x, labels, standardize=False).value
    assert abs(ross_mi(stretched, labels, standardize=False).value - raw) > 0.02
    assert ross_mi(x, labels, standardize=False).settings == "Ross, k = 3, not standardised"


def test_a_class_of_one_is_left_out_and_a_small_class_uses_whom_it_has():
    x = np.array([0.0, 1.0, 3.0, 4.5, 10.0, 11.5, 2.0])
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    found = ross_mi(x, labels, 3, standardize=False)
    assert found.n == 6
    assert found.local == pytest.approx(brute_ross(x[:6, None], labels[:6], 3), abs=1e-12)


def test_no_class_of_two_is_no_sample_of_anything():
    with pytest.raises(ValueError, match="labels has 5 classes of one sample each"):
        ross_mi(np.arange(5), np.arange(5))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_samples_that_coincide_within_a_class_are_refused(estimator):
    x, labels = clusters(100)
    labels[:8], x[:8] = 0, 1.0
    with pytest.raises(DegenerateSampleError, match=r"8 of 100 samples.*7 duplicate rows|8 of \d+ samples"):
        estimator(x, labels)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"k": 0}, ValueError, "k is 0; expected an integer >= 1"),
        ({"k": 1.0}, ValueError, "k is 1.0"),
        ({"k": 30}, ValueError, "k is 30, with"),
        ({"labels": np.zeros(29, dtype=int)}, ValueError, r"labels has shape \(29,\); expected \(30,\)"),
        ({"labels": np.linspace(0, 1, 30)}, TypeError, "labels has dtype float64"),
        ({"x": np.full(30, np.nan)}, ValueError, "x holds 30 NaN"),
        ({"x": np.full(30, 2)}, ValueError, "x has a constant column"),
        ({"backend": "gpu"}, ValueError, "backend is 'gpu'"),
        ({"control": "shuffle"}, ValueError, "control is 'shuffle'"),
    ],
)
def test_bad_arguments_are_named(estimator, arguments, error, message):
    x, labels = clusters(30, 2, 2)
    with pytest.raises(error, match=message):
        estimator(**{"x": x, "labels": labels, "k": 3} | arguments)


def test_a_class_without_enough_samples_is_named_where_entropies_need_them():
    x, labels = clusters(30, 2, 2)
    labels[:3], labels[3:] = 1, 0
    with pytest.raises(ValueError, match="k is 3, with 3 samples in the smallest class"):
        kl_mi_discrete(x, labels, 3)
    with pytest.raises(ValueError, match="rescale is 'robust'"):
        kl_mi_discrete(x, labels, 2, rescale="robust")
    with pytest.raises(ValueError, match="weights is 'best'"):
        kl_mi_discrete(x, labels, 2, weights="best")
    with pytest.raises(ValueError, match="metric is 'cosine'"):
        kl_mi_discrete(x, labels, 2, metric="cosine")
