"""Neighbour searches against a table of all distances: exactly, where the norm allows it, with every back end."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from corelib.information.neighbors.search import joint_neighbors, knn_distances

pytestmark = pytest.mark.ch02
BACKENDS = ("numba", "tree", "torch")


def gaps(x):
    """Max-norm distances between all samples, each infinitely far from itself."""
    found = np.abs(x[:, None] - x).max(axis=2)
    np.fill_diagonal(found, np.inf)
    return found


def brute_joint(x, y, k):
    """eps, eps_x, eps_y; of equally far neighbours those with the smaller numbers."""
    nearest = np.argsort(np.maximum(gaps(x), gaps(y)), axis=1, kind="stable")[:, :k]
    own = np.arange(len(x))[:, None]
    eps_x, eps_y = (gaps(side)[own, nearest].max(axis=1) for side in (x, y))
    return np.maximum(gaps(x), gaps(y))[own, nearest].max(axis=1), eps_x, eps_y


def check_joint(x, y, k, backend):
    found = joint_neighbors(x, y, k, backend)
    for name, wanted in zip(("eps", "eps_x", "eps_y"), brute_joint(x, y, k), strict=True):
        assert np.array_equal(getattr(found, name), wanted), name


@st.composite
def grids(draw):
    """Pairs on a small grid: most distances are tied, many samples coincide."""
    n = draw(st.integers(2, 40))
    sides = [
        draw(arrays(np.float64, (n, draw(st.integers(1, 3))), elements=st.integers(0, 3).map(float))) for _ in "xy"
    ]
    return *sides, draw(st.integers(1, n - 1))


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_four_points_on_a_line(backend, metric):
    found = knn_distances(np.array([0, 1, 3, 7]), 3, metric=metric, backend=backend)
    assert found.tolist() == [[1, 3, 7], [1, 2, 6], [2, 3, 4], [4, 6, 7]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_two_norms_of_a_3_4_5_triangle(backend):
    x = np.array([[0, 0], [3, 4], [0, 1], [6, 8]])
    assert knn_distances(x, 2, backend=backend)[1] == pytest.approx([18**0.5, 5])
    assert knn_distances(x, 2, metric="chebyshev", backend=backend)[1].tolist() == [3, 4]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("d", [1, 2, 5, 12])
@pytest.mark.parametrize("offset", [0.0, 0.1, 1e12], ids=lambda v: f"at {v:g}")
def test_max_norm_distances_are_the_differences_of_the_samples_bit_for_bit(backend, d, offset):
    x = np.random.default_rng(d).standard_normal((300, d)) + offset
    found = knn_distances(x, 7, metric="chebyshev", backend=backend)
    assert np.array_equal(found, np.sort(gaps(x), axis=1)[:, :7])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("d", [1, 3, 12])
def test_euclidean_distances_keep_their_digits_far_from_the_origin(backend, d):
    x = np.random.default_rng(d).integers(-1000, 1000, (260, d)) / 1024
    near = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    np.fill_diagonal(near, np.inf)
    wanted = np.sort(near, axis=1)[:, :5]
    assert knn_distances(x, 5, backend=backend) == pytest.approx(wanted, rel=1e-12)
    assert knn_distances(x + 2.0**30, 5, backend=backend) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
@given(grids())
def test_joint_neighbours_of_grids_full_of_ties(backend, grid):
    check_joint(*grid, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@given(grids())
def test_distances_in_grids_full_of_duplicates(backend, grid):
    x, _, k = grid
    found = knn_distances(x, k, metric="chebyshev", backend=backend)
    assert np.array_equal(found, np.sort(gaps(x), axis=1)[:, :k])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (6, 6)], ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e9], ids=lambda v: f"at {v:g}")
def test_joint_neighbours_of_a_density(backend, dims, offset):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((259, d)) + offset for d in dims)
    check_joint(x, y, 5, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_samples_and_as_many_neighbours_as_there_are(backend):
    check_joint(np.array([[1.0], [4.0]]), np.array([[5.0], [3.0]]), 1, backend)
    rng = np.random.default_rng(2)
    check_joint(rng.standard_normal((33, 2)), rng.standard_normal((33, 1)), 32, backend)
    check_joint(rng.integers(0, 2, (33, 2)) / 1.0, rng.integers(0, 2, (33, 1)) / 1.0, 32, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_samples_that_all_coincide_are_each_others_neighbours_at_distance_0(backend):
    x = np.full((40, 2), 0.1)
    assert (knn_distances(x, 3, backend=backend) == 0).all()
    check_joint(x, x[:, :1], 3, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_magnitudes_far_apart_hide_no_neighbour(backend):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((130, 1)) * 10.0 ** rng.integers(-12, 12, (130, 1))
    y = rng.standard_normal((130, 2)) * 10.0 ** rng.integers(-12, 12, (130, 1))
    check_joint(x, y, 4, backend)


def test_tensors_and_single_columns_are_taken():
    x = np.random.default_rng(0).standard_normal(50)
    wanted = knn_distances(x[:, None], 3)
    assert np.array_equal(knn_distances(x, 3), wanted)
    assert np.array_equal(knn_distances(torch.from_numpy(x), 3), wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_samples_are_left_as_they_were(backend):
    x = np.random.default_rng(0).standard_normal((60, 2))
    kept = x.copy()
    knn_distances(x, 3, backend=backend)
    joint_neighbors(x, x[:, :1], 3, backend)
    assert np.array_equal(x, kept)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"k": 0}, "k is 0; expected an integer >= 1"),
        ({"k": 5}, "k is 5, with 5 samples"),
        ({"metric": "cosine"}, "metric is 'cosine'; expected one of"),
        ({"backend": "faiss"}, "backend is 'faiss'; expected one of"),
        ({"backend": "triton"}, "backend is 'triton'; expected 'auto'"),
        ({"x": [1, 2, np.nan, 4, 5]}, "x holds 1 NaN"),
        ({"x": [1]}, "x has 1 samples"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        knn_distances(**{"x": [1, 2, 3, 4, 5], "k": 2} | arguments)
