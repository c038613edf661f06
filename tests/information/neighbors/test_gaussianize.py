"""Maps that keep the mutual information: increasing, smooth, and free of units; whitening and its determinant."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm, rankdata

from corelib.information.neighbors.gaussianize import gaussianize, whiten

pytestmark = pytest.mark.ch02
FAMILIES = {
    "uniform": lambda rng, n: rng.uniform(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "two bumps": lambda rng, n: rng.standard_normal(n) + 8 * rng.integers(0, 2, n),
    "heavy tails": lambda rng, n: rng.standard_t(2, n),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_density_becomes_about_normal(family):
    x = FAMILIES[family](np.random.default_rng(0), 4000)
    assert kstest(x, norm.cdf).statistic > 0.1 or family == "heavy tails"
    assert kstest(gaussianize(x)[:, 0], norm.cdf).statistic < 0.03


@given(st.integers(0, 999), st.integers(2, 60), st.integers(2, 80), st.sampled_from([1, 5, 1000]))
def test_the_map_is_strictly_increasing_also_with_ties(seed, n, n_knots, levels):
    x = np.random.default_rng(seed).integers(0, levels, n) ** 3 / 7.0
    x[:2] = 0.0, 400.0
    found = gaussianize(x, n_knots)[:, 0]
    assert np.isfinite(found).all()
    assert np.array_equal(rankdata(found), rankdata(x))


def test_columns_are_mapped_one_by_one():
    x = np.random.default_rng(0).exponential(size=(300, 3))
    assert np.array_equal(gaussianize(x), np.hstack([gaussianize(column) for column in x.T]))
    assert np.array_equal(gaussianize(torch.from_numpy(x)), gaussianize(x))


@pytest.mark.parametrize("scale, offset", [(1e-8, 0.0), (1e5, 0.0), (3.0, 1e6)])
def test_the_unit_and_the_origin_do_not_matter(scale, offset):
    x = np.random.default_rng(1).exponential(size=500)
    assert gaussianize(scale * x + offset) == pytest.approx(gaussianize(x), abs=1e-7)


def test_the_map_is_linear_between_its_knots_and_beyond_them():
    """Exact normal scores put any two columns on one lattice; here gaps between samples survive."""
    x = np.random.default_rng(2).uniform(size=2000)
    order = np.argsort(x)
    slopes = np.diff(gaussianize(x, 8)[order, 0]) / np.diff(x[order])
    assert len(np.unique(slopes.round(3))) <= 7 + 6  # pieces, and gaps that hold a knot
    gaps = np.diff(np.sort(gaussianize(x)[:, 0]))
    scores = np.diff(norm.ppf((np.arange(1, 2001) - 0.5) / 2000))
    middle = slice(800, 1200)
    assert gaps[middle].std() / gaps[middle].mean() > 0.7 > 0.1 > scores[middle].std() / scores[middle].mean()


def test_two_knots_make_a_straight_line():
    x = np.random.default_rng(3).exponential(size=100)
    assert np.corrcoef(gaussianize(x, 2)[:, 0], x)[0, 1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("step", [1.0, 2.0**-52], ids=["one", "one rounding step"])
def test_a_column_of_nearly_one_value_still_has_a_map(step):
    x = np.ones(1000)
    x[7] += step
    found = gaussianize(x)[:, 0]
    assert np.isfinite(found).all() and found[7] > found[0] and len(np.unique(found)) == 2


@pytest.mark.parametrize("n_knots", [1, 0, -3])
def test_one_knot_is_no_map(n_knots):
    with pytest.raises(ValueError, match=f"n_knots is {n_knots}; expected an integer >= 2"):
        gaussianize([1, 2, 3], n_knots)


@pytest.mark.parametrize("function", [gaussianize, whiten])
def test_constant_columns_and_bad_numbers_are_refused(function):
    with pytest.raises(ValueError, match=r"x has a constant column \(1, of value 2\)"):
        function(np.array([[1, 2], [3, 2], [0, 2]]))
    with pytest.raises(ValueError, match="x holds 1 NaN"):
        function([1, np.nan, 2])


@pytest.mark.parametrize("scale", [1.0, np.array([1e-8, 1.0, 1e5])], ids=["equal", "unequal"])
def test_whitening_leaves_unit_covariance_and_knows_its_determinant(scale):
    x = (np.random.default_rng(0).standard_normal((400, 3)) @ np.array([[1, 2, 0], [0, 1, -1], [0, 0, 3]]) + 5) * scale
    z, log_det = whiten(x)
    assert z.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert z.T @ z / 400 == pytest.approx(np.eye(3), abs=1e-9)
    sign, wanted = np.linalg.slogdet(np.cov(x.T, bias=True))
    assert sign == 1 and log_det == pytest.approx(wanted / 2, rel=1e-9)


def test_one_column_is_whitened_to_its_standard_scores():
    x = np.array([0.0, 1.0, 5.0])
    z, log_det = whiten(x)
    assert np.abs(z[:, 0]) == pytest.approx(np.abs(x - 2) / x.std()) and log_det == pytest.approx(math.log(x.std()))


@pytest.mark.parametrize(
    "x",
    [
        np.outer(np.arange(10.0), [1, 2]),
        np.random.default_rng(0).standard_normal((10, 3)) @ np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]]),
        np.random.default_rng(0).standard_normal((3, 3)),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
    ],
    ids=["multiples", "a sum", "N = d", "N = 2"],
)
def test_dependent_columns_cannot_be_whitened(x):
    with pytest.raises(ValueError, match=r"x has a covariance of rank < [23]"):
        whiten(x)
