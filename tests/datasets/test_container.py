"""Containers refuse what is not a data set; splits are disjoint, complete and reproducible."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corelib.datasets import Dataset, szt_task, train_test_split

pytestmark = pytest.mark.ch03


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.sampled_from(["shuffled", "counting"]), st.integers(0, 5))
def test_a_split_uses_every_sample_once(n, fraction, mode, seed):
    split = train_test_split(n, fraction, mode=mode, seed=seed)
    assert sorted(torch.cat([split.train, split.test]).tolist()) == list(range(n))
    assert len(split.train) >= 1 and len(split.test) >= 1
    assert torch.equal(split.train, train_test_split(n, fraction, mode=mode, seed=seed).train)


def test_the_counting_split_is_unbalanced_as_in_the_released_code():
    y = szt_task().y.double()
    split = train_test_split(4096, mode="counting")
    assert (len(split.train), len(split.test)) == (3277, 819)
    assert y[split.train].mean().item() == pytest.approx(0.437, abs=5e-4)
    assert y[split.test].mean().item() == pytest.approx(0.836, abs=5e-4)


@pytest.mark.parametrize("arguments", [{"n": 1}, {"n": 9, "train_fraction": 1.0}, {"n": 9, "mode": "sorted"}])
def test_a_split_names_what_is_wrong(arguments):
    with pytest.raises(ValueError, match=r"(n|train_fraction|mode) is .*; expected"):
        train_test_split(**arguments)


@pytest.mark.parametrize(
    "x, y, n_classes, word",
    [
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), 1, "x has shape"),
        (torch.zeros(3, 1), torch.zeros(2, dtype=torch.int64), 1, "y has shape"),
        (torch.full((2, 1), float("nan")), torch.tensor([0, 1]), 2, "NaN"),
        (torch.zeros(2, 1), torch.tensor([0, 2]), 3, r"lacks classes \[1\]"),
    ],
)
def test_a_data_set_refuses_what_does_not_fit(x, y, n_classes, word):
    with pytest.raises(ValueError, match=word):
        Dataset("bad", x, y, n_classes, "made up")
