"""Data on a network: what is kept, what is refused, and the split into nodes to learn from and to score on."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corelib.causal.data import NetworkCausalData, split_nodes

pytestmark = pytest.mark.ch04


def values(**changes):
    """A path of four nodes, unsorted, as lists and arrays; node 3 is held out."""
    return {
        "x": np.arange(8, dtype=np.float32).reshape(4, 2),
        "edge_index": np.array([[3, 0, 1, 1, 2, 2], [2, 1, 0, 2, 1, 3]]),
        "t": [0, 1, 1, 0],
        "y": np.array([1, 2, 3, 4]),
        "train_mask": np.array([True, True, True, False]),
        "test_mask": torch.tensor([False, False, False, True]),
    } | changes


def test_arrays_become_tensors_of_one_type_and_edges_are_sorted():
    data = NetworkCausalData(**values(tau=np.ones(4, dtype=np.float32)))
    for name in ("x", "t", "y", "tau"):
        assert getattr(data, name).dtype == torch.float64
    assert data.edge_index.tolist() == [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]
    assert data.train_mask.dtype == torch.bool
    assert data.e is None


def test_data_are_frozen_and_derive_by_replacement():
    data = NetworkCausalData(**values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.y = data.t
    assert dataclasses.replace(data, y=data.y + 100).y.tolist() == [101, 102, 103, 104]
    moved = data.to("cpu")
    assert torch.equal(moved.x, data.x)
    assert moved.tau is None


def test_the_description_counts():
    data = NetworkCausalData(**values(edge_index=torch.tensor([[0, 1], [1, 0]]), tau=[1.0, 2.0, 3.0, 5.0]))
    assert data.describe() == {
        "nodes": 4,
        "features": 2,
        "mean_degree": 0.5,
        "isolated": 2,
        "treated": 0.5,
        "train": 3,
        "test": 1,
        "effect_mean": 5.0,
        "effect_variance": 0.0,
    }
    assert "effect_mean" not in NetworkCausalData(**values()).describe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t": [0, 1, 2, 0]}, "t holds 2.0; expected 0 and 1 only"),
        ({"t": [0, 0.5, 1, 0]}, "t holds 0.5"),
        ({"t": [0, 0, 0, 1]}, "train_mask holds 0 treated of 3 nodes"),
        ({"t": [1, 1, 1, 0]}, "train_mask holds 3 treated of 3 nodes"),
        ({"t": [0, 1, 1]}, r"t has shape \(3,\); expected \(4,\)"),
        ({"y": np.zeros((4, 1))}, r"y has shape \(4, 1\)"),
        ({"y": [1, 2, 3, math.nan]}, "y holds 1 NaN"),
        ({"x": np.full((4, 2), math.inf)}, "x holds 8 NaN or infinite"),
        ({"x": np.zeros(4)}, r"x has shape \(4,\); expected \(n, d\)"),
        ({"e": [0.5, 0.5, 0.5, 1.0]}, "e ranges from 0.5 to 1.0"),
        ({"e": [0.0, 0.5, 0.5, 0.5]}, "e ranges from 0.0 to 0.5"),
        ({"tau": [1.0]}, r"tau has shape \(1,\)"),
        ({"test_mask": np.ones(4, dtype=bool)}, "train_mask and test_mask share nodes"),
        ({"train_mask": np.ones(3, dtype=bool)}, r"train_mask has shape \(3,\)"),
        ({"edge_index": np.array([[0], [1]])}, "one way only"),
    ],
)
def test_data_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        NetworkCausalData(**values(**changes))


def test_masks_of_numbers_are_refused():
    with pytest.raises(TypeError, match=r"train_mask holds torch\.int64; expected bool"):
        NetworkCausalData(**values(train_mask=np.array([0, 1, 1, 0])))


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_a_split_takes_every_node_once(n, share, seed):
    expected = round(n * share)
    if not 0 < expected < n:
        with pytest.raises(ValueError, match="expected nodes on both sides"):
            split_nodes(n, share, seed=seed)
        return
    train_mask, test_mask = split_nodes(n, share, seed=seed)
    assert int(test_mask.sum()) == expected
    assert (train_mask ^ test_mask).all()


def test_a_split_follows_its_seed():
    assert torch.equal(split_nodes(50, seed=1)[0], split_nodes(50, seed=np.random.default_rng(1))[0])
    assert not torch.equal(split_nodes(50, seed=1)[0], split_nodes(50, seed=2)[0])


@pytest.mark.parametrize("share", [0.0, 1.0, -0.3, math.nan])
def test_a_share_of_all_or_nothing_is_refused(share):
    with pytest.raises(ValueError, match="test_share is"):
        split_nodes(50, share, seed=0)
