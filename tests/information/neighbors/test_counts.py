"""Counts are exact integers: strict or not, at the very radius, and where v - r and v + r are rounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from corelib.information.neighbors.counts import count_within

pytestmark = pytest.mark.ch02
BACKENDS = ("numba", "tree", "torch")


def gaps(x):
    return np.abs(x[:, None] - x).max(axis=2)


def brute(x, radius, strict):
    distance = gaps(x)
    np.fill_diagonal(distance, np.inf)
    return (distance < radius[:, None] if strict else distance <= radius[:, None]).sum(axis=1)


def check(x, radius, backend="auto"):
    for strict in (True, False):
        found = count_within(x, radius, strict=strict, backend=backend)
        assert found.dtype == np.int64
        assert np.array_equal(found, brute(x, radius, strict)), strict


def kth_gap(x, k):
    """The radii that matter: each is the distance of two samples, so that one of them lies at the very radius."""
    return np.sort(gaps(x), axis=1)[:, k]


def bisected(v, radius):
    """The trap: ends v - r and v + r, themselves rounded, with r made smaller by one float."""
    s, r = np.sort(v), np.nextafter(radius, 0)
    return np.searchsorted(s, v + r, side="right") - np.searchsorted(s, v - r) - 1


@st.composite
def grids(draw):
    n = draw(st.integers(1, 40))
    x = draw(arrays(np.float64, (n, draw(st.integers(1, 3))), elements=st.integers(0, 4).map(float)))
    return x, draw(arrays(np.float64, n, elements=st.integers(0, 5).map(float)))


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_a_point_at_the_very_radius_counts_only_where_it_should(backend):
    x, radius = np.array([[0.0], [1.0], [3.0], [7.0]]), np.array([3.0, 2.0, 2.0, 10.0])
    assert count_within(x, radius, backend=backend).tolist() == [1, 1, 0, 3]
    assert count_within(x, radius, strict=False, backend=backend).tolist() == [2, 2, 1, 3]


@pytest.mark.parametrize("backend", BACKENDS)
@given(grids())
def test_counts_in_grids_full_of_ties_and_duplicates(backend, grid):
    check(*grid, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("d", [1, 2, 3, 12])
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12], ids=lambda v: f"at {v:g}")
def test_counts_with_radii_that_are_distances(backend, d, offset):
    x = np.random.default_rng(d).standard_normal((270, d)) + offset
    check(x, kth_gap(x, 5), backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [1e-8, 1e5, 1e-290, 1e290])
def test_no_absolute_epsilon_hides_in_a_count(backend, scale):
    x = np.random.default_rng(0).standard_normal((200, 1)) * scale
    check(x, kth_gap(x, 4), backend)


@pytest.mark.parametrize("offset", [1.0, 1e3, 1e6])
def test_sorted_counts_are_right_where_bisection_is_not(offset):
    v = np.random.default_rng(5).uniform(size=2000) + offset
    radius = kth_gap(v[:, None], 3)
    wanted = brute(v[:, None], radius, strict=True)
    assert (bisected(v, radius) != wanted).sum() > 20  # the trap is set
    assert np.array_equal(count_within(v[:, None], radius), wanted)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_radii_one_float_beside_a_distance(step):
    v = np.random.default_rng(6).uniform(size=(600, 1)) + 0.3
    radius = kth_gap(v, 6)
    check(v, np.nextafter(radius, radius + step))


def test_sorted_counts_where_a_radius_swallows_small_values():
    rng = np.random.default_rng(7)
    tiny = rng.standard_normal(60) * 10.0 ** rng.integers(-18, 0, 60)
    v = np.concatenate([tiny, [1e16, -1e16, 3.0, 2.0**53, 2.0**53 + 2], tiny[:5]])[:, None]
    for k in (1, 4, 30, 62, 68):
        check(v, kth_gap(v, k))
    check(v, np.full(len(v), 1e16))


@given(
    st.lists(st.floats(-1e18, 1e18) | st.sampled_from([0.0, -0.0, 5e-324, 0.1, 0.3, 1e16]), min_size=2, max_size=20),
    st.integers(0, 400),
)
def test_sorted_counts_with_floats_of_every_kind(values, which):
    x = np.array(values)[:, None]
    distances = gaps(x)
    check(x, np.roll(distances, which, axis=1)[:, 0])
    check(x, np.full(len(x), distances.ravel()[which % distances.size]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("d", [1, 2])
def test_radius_0_finds_duplicates_or_nothing(backend, d):
    x = np.repeat(np.arange(3.0), [1, 2, 4])[:, None] * np.ones(d)
    radius = np.zeros(7)
    assert count_within(x, radius, backend=backend).tolist() == [0] * 7
    assert count_within(x, radius, strict=False, backend=backend).tolist() == [0, 1, 1, 3, 3, 3, 3]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("d", [1, 2])
def test_one_sample_has_no_other_and_a_huge_radius_finds_all(backend, d):
    assert count_within(np.zeros((1, d)), np.array([9.0]), backend=backend).tolist() == [0]
    x = np.random.default_rng(0).standard_normal((70, d))
    assert (count_within(x, np.full(70, 1e300), backend=backend) == 69).all()


@pytest.mark.parametrize("d", [1, 2])
def test_an_unknown_back_end_is_named(d):
    with pytest.raises(ValueError, match="backend is 'abacus'; expected one of"):
        count_within(np.zeros((3, d)), np.ones(3), backend="abacus")
