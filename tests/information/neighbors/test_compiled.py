"""The compiled blocks: nobody is lost at a border, boxes hold what they should, ties go by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.ch02
compiled = pytest.importorskip("corelib.information.neighbors.compiled")
BORDERS = (2, 31, 32, 33, 63, 64, 65, 97)


def samples(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def brute(x, euclidean):
    """Distances (squared, if Euclidean) between all samples, infinite on the diagonal."""
    step = np.abs(x[:, None] - x)
    found = (step**2).sum(axis=2) if euclidean else step.max(axis=2)
    np.fill_diagonal(found, np.inf)
    return found


@pytest.mark.parametrize("n", [1, *BORDERS])
def test_blocks_hold_every_sample_once_within_their_boxes(n):
    x = samples(n, 3)
    index, points, low, high = compiled.blocks(x)
    assert sorted(index[index >= 0]) == list(range(n)) and len(index) == -(-n // compiled.BLOCK)
    places = points.transpose(0, 2, 1)  # (B, 32, d)
    assert np.array_equal(places[index >= 0], x[index[index >= 0]])
    assert np.isinf(places[index < 0]).all()
    for b, own in enumerate(index):
        inside = x[own[own >= 0]]
        assert np.array_equal(low[b], inside.min(axis=0)) and np.array_equal(high[b], inside.max(axis=0))


def test_blocks_are_of_points_that_lie_together():
    x = samples(4096, 2)
    _, _, low, high = compiled.blocks(x)
    assert np.median(high - low) < 0.5  # of a cloud about 7 wide: otherwise no box rules anything out


@pytest.mark.parametrize("euclidean", [False, True])
@pytest.mark.parametrize("n", BORDERS)
def test_neighbours_and_their_numbers_at_the_borders_of_blocks(n, euclidean):
    x = samples(n, 2)
    k = min(5, n - 1)
    distance, neighbour = compiled.nearest(*compiled.blocks(x), k, euclidean)
    wanted = brute(x, euclidean)
    assert np.array_equal(neighbour, np.argsort(wanted, axis=1, kind="stable")[:, :k])
    assert distance == pytest.approx(np.sort(wanted, axis=1)[:, :k], rel=1e-14)


@given(st.integers(0, 999), st.integers(2, 100), st.integers(1, 4), st.booleans())
def test_equally_far_neighbours_come_in_the_order_of_their_numbers(seed, n, d, euclidean):
    x = np.random.default_rng(seed).integers(0, 3, (n, d)) / 1.0
    k = min(6, n - 1)
    distance, neighbour = compiled.nearest(*compiled.blocks(x), k, euclidean)
    wanted = brute(x, euclidean)
    assert np.array_equal(neighbour, np.argsort(wanted, axis=1, kind="stable")[:, :k])
    assert np.array_equal(distance, np.sort(wanted, axis=1)[:, :k])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("n", [1, *BORDERS])
def test_counts_at_the_borders_of_blocks(n, strict):
    x = samples(n, 1)
    distance = brute(x, False)
    radius = np.sort(distance, axis=1)[:, min(n - 1, 4)] if n > 1 else np.ones(1)
    radius[np.isinf(radius)] = 1.0
    wanted = (distance < radius[:, None] if strict else distance <= radius[:, None]).sum(axis=1)
    assert np.array_equal(compiled.count_within(*compiled.blocks(x), radius, strict), wanted)


def test_far_clusters_whose_boxes_are_ruled_out_still_meet_when_the_radius_reaches_them():
    x = np.concatenate([samples(64, 2), samples(64, 2, 1) + 1000.0, samples(3, 2, 2) - 1000.0])
    wanted = brute(x, False)
    distance, _ = compiled.nearest(*compiled.blocks(x), 70, False)
    assert np.array_equal(distance, np.sort(wanted, axis=1)[:, :70])
    radius = np.where(np.arange(131) % 2, 1001.0, 0.5)
    found = compiled.count_within(*compiled.blocks(x), radius, True)
    assert np.array_equal(found, (wanted < radius[:, None]).sum(axis=1))


def test_a_box_at_the_very_distance_of_the_last_neighbour_is_still_opened():
    # Sample 0 sorts into one block, its tied and smaller-numbered rival into another.
    x = np.concatenate([[0.0], -np.arange(1, 65.0), np.arange(1, 65.0)])[:, None]
    for order in (x, x[::-1].copy()):
        _, neighbour = compiled.nearest(*compiled.blocks(order), 3, False)
        assert np.array_equal(neighbour, np.argsort(brute(order, False), axis=1, kind="stable")[:, :3])
