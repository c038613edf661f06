"""Samples in every form that is taken, and every form that is refused with its name; ties and what breaks them."""

import warnings

import numpy as np
import pytest
import torch

from corelib.information.samples import (
    DegenerateSampleError,
    EstimatorWarning,
    as_labels,
    as_pair,
    as_samples,
    dither,
    require_distinct,
    require_neighbours,
    require_option,
    spread,
    warn_of_lattice,
)

pytestmark = pytest.mark.ch02


@pytest.mark.parametrize(
    "x",
    [
        [0, 1, 2],
        np.arange(3, dtype=np.int16),
        np.arange(3, dtype=np.float32),
        torch.arange(3),
        torch.arange(3.0, requires_grad=True),
        torch.arange(3, dtype=torch.bfloat16),
        np.arange(6.0)[::2] / 2,
    ],
    ids=["list", "int16", "float32", "int tensor", "tensor with gradient", "bfloat16", "strided"],
)
def test_one_column_of_any_real_type_becomes_a_float64_matrix(x):
    found = as_samples("x", x)
    assert found.dtype == np.float64 and found.shape == (3, 1) and found.flags.c_contiguous
    assert found.ravel().tolist() == [0.0, 1.0, 2.0]


def test_matrices_keep_their_columns_and_float64_keeps_its_bits():
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert np.array_equal(as_samples("x", x), x)
    assert np.array_equal(as_samples("x", x.T), x.T)
    assert np.array_equal(as_samples("x", torch.from_numpy(x)), x)


@pytest.mark.parametrize(
    "x, error, message",
    [
        (np.zeros((3, 2, 2)), ValueError, r"codes has shape \(3, 2, 2\)"),
        (np.zeros((3, 0)), ValueError, r"codes has shape \(3, 0\)"),
        (np.float64(1.0), ValueError, r"codes has shape \(\)"),
        (np.zeros(0), ValueError, "codes has 0 samples; expected at least 2"),
        (np.zeros(1), ValueError, "codes has 1 samples; expected at least 2"),
        (np.array([0, np.nan, np.inf, -np.inf]), ValueError, "codes holds 3 NaN or infinite"),
        (torch.tensor([0.0, float("nan")]), ValueError, "codes holds 1 NaN or infinite"),
        (np.array(["a", "b"]), TypeError, "codes has dtype <U1"),
        (np.array([1j, 2]), TypeError, "codes has dtype complex128"),
        (torch.tensor([1j, 2]), TypeError, "codes has dtype complex64"),
        (np.array([None, 1]), TypeError, "codes has dtype object"),
    ],
)
def test_what_no_estimator_can_take_is_refused_by_name(x, error, message):
    with pytest.raises(error, match=message):
        as_samples("codes", x)


def test_the_least_number_of_samples_is_the_callers():
    assert as_samples("x", [4.0], min_samples=1).shape == (1, 1)
    with pytest.raises(ValueError, match="x has 3 samples; expected at least 4"):
        as_samples("x", [1, 2, 3], min_samples=4)


def test_a_pair_has_as_many_of_one_as_of_the_other():
    x, y = as_pair([1, 2, 3], torch.ones(3, 2))
    assert x.shape == (3, 1) and y.shape == (3, 2)
    with pytest.raises(ValueError, match="x and y have 3 and 2 samples"):
        as_pair([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="y holds 1 NaN"):
        as_pair([1, 2], [1, np.nan])


@pytest.mark.parametrize(
    "labels", [[7, -1, 7], ["dog", "cat", "dog"], [True, False, True], torch.tensor([3, 2, 3])], ids=repr
)
def test_labels_of_any_discrete_type_become_numbers_from_0(labels):
    found = as_labels(labels, 3)
    assert found.tolist() == [1, 0, 1] and found.dtype == np.int64


@pytest.mark.parametrize(
    "labels, error, message",
    [
        ([0.0, 1.0, 1.0], TypeError, "labels has dtype float64"),
        (torch.zeros(3), TypeError, "labels has dtype float32"),
        ([0, 1], ValueError, r"labels has shape \(2,\); expected \(3,\)"),
        ([[0], [1], [1]], ValueError, r"labels has shape \(3, 1\)"),
    ],
)
def test_labels_that_are_none_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        as_labels(labels, 3)


@pytest.mark.parametrize("k", [0, -1, 1.5, 3.0, True, None, "3"])
def test_a_neighbour_number_is_an_integer_from_1(k):
    with pytest.raises(ValueError, match=r"k is .*; expected an integer >= 1"):
        require_neighbours(k, 10)


def test_a_point_is_not_its_own_neighbour():
    require_neighbours(9, 10)
    require_neighbours(np.int64(9), 10)
    with pytest.raises(ValueError, match="k is 10, with 10 samples in the class"):
        require_neighbours(10, 10, what="samples in the class")


def test_an_unknown_option_is_met_with_the_known_ones():
    require_option("metric", "a", ("a", None))
    require_option("metric", None, ("a", None))
    with pytest.raises(ValueError, match=r"metric is 'b'; expected one of \('a', None\)"):
        require_option("metric", "b", ("a", None))


def test_a_distance_of_0_counts_the_duplicates_and_says_what_to_do():
    x = np.array([[0.0], [0.0], [0.0], [1.0]])
    require_distinct(np.array([1e-300, 1.0, 1.0, 1.0]), x)
    with pytest.raises(DegenerateSampleError, match=r"3 of 4 codes .*\(2 duplicate rows\).*dither"):
        require_distinct(np.array([0.0, 0.0, 0.0, 1.0]), x, what="codes")
    assert issubclass(DegenerateSampleError, ValueError)


def test_a_lattice_is_noticed_although_rounding_blurs_it():
    rng = np.random.default_rng(0)
    steps = rng.integers(1, 20, 1000)
    with pytest.warns(EstimatorWarning, match="the 1000 neighbour distances take 19 values only"):
        warn_of_lattice(steps * 0.1)
    blurred = steps * 0.1 * (1 + 1e-14 * rng.standard_normal(1000))
    assert len(np.unique(blurred)) > 100
    with pytest.warns(EstimatorWarning, match="take 19 values only"):
        warn_of_lattice(blurred)


@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_no_lattice_is_seen_in_a_density_or_in_few_samples(scale):
    distances = scale * np.repeat(np.random.default_rng(0).uniform(size=500) ** 8, 2)  # mutual neighbours share one
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_lattice(distances)
        warn_of_lattice(np.ones(99))
    with pytest.warns(EstimatorWarning):
        warn_of_lattice(np.ones(100))


def test_dither_breaks_every_tie_and_moves_nothing_by_more_than_it_says():
    x = np.random.default_rng(0).integers(0, 5, (400, 2)) * np.array([1.0, 1000.0])
    kept = x.copy()
    found = dither(x, 1e-6)
    assert len(np.unique(found[:, 0])) == len(np.unique(found[:, 1])) == 400
    moved = np.abs(found - x).max(axis=0) / x.std(axis=0)
    assert (moved <= 0.5e-6 * (1 + 1e-6)).all() and (moved > 0.4e-6).all()
    assert np.array_equal(x, kept)


def test_dither_knows_its_seed_and_takes_one_column():
    x = np.arange(10)
    assert np.array_equal(dither(x, seed=1), dither(x, seed=1))
    assert not np.array_equal(dither(x, seed=1), dither(x, seed=2))
    assert dither(x).shape == (10, 1)


def test_dither_goes_by_the_spread_and_not_by_the_magnitude():
    near = np.random.default_rng(0).standard_normal(1000).round(2)
    moved_near = (dither(near, 1e-3) - near[:, None]).std()
    moved_far = (dither(near + 1e6, 1e-3) - (near + 1e6)[:, None]).std()
    assert moved_far == pytest.approx(moved_near, rel=1e-3)
    with pytest.raises(ValueError, match="rel is 1e-10, noise that the rounding of column 0"):
        dither(near + 1e6)


@pytest.mark.parametrize("rel", [0, -1e-3, np.nan, np.inf])
def test_dither_wants_a_positive_amplitude(rel):
    with pytest.raises(ValueError, match=r"rel is .*; expected a finite number > 0"):
        dither([1, 2, 3], rel)


def test_dither_refuses_a_constant_column_which_has_no_spread():
    with pytest.raises(ValueError, match=r"x has a constant column \(1, of value 3\)"):
        dither(np.array([[0, 3], [1, 3], [2, 3]]))


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e170, 1e300])
def test_the_spread_neither_vanishes_nor_overflows(scale):
    x = np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 5.0]])
    assert spread("x", scale * x) / scale == pytest.approx(x.std(axis=0), rel=1e-12)


def test_the_spread_of_a_column_far_away_is_kept():
    x = np.random.default_rng(0).standard_normal((500, 1))
    assert spread("x", x + 1e9) == pytest.approx(x.std(axis=0), rel=1e-6)
    grid = (x * 1024).round() / 1024
    assert spread("x", grid + 2.0**40) == spread("x", grid)
