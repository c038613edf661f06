"""Compression scores and rank correlation: values by hand, peers, and the cases without an answer."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from corelib.information.compression import compression_score, holm, rank_correlation

pytestmark = pytest.mark.ch03


def test_scores_by_hand():
    path = np.array([4.0, 8.0, 6.0, 2.0])
    assert compression_score(path) == 0.75
    assert compression_score(path, "path") == pytest.approx(6 / 10)
    assert compression_score(path, "net") == 2.0


def test_a_layer_that_only_gains_does_not_compress_in_any_score():
    path = np.array([1.0, 2.0, 3.0])
    assert compression_score(path) == 0 and compression_score(path, "path") == 0 and compression_score(path, "net") < 0


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_constant_layer_scores_zero(value):
    for kind in ("end", "path", "net"):
        assert (compression_score(np.full((4, 2, 3), value), kind) == 0).all()


@given(st.lists(st.floats(0, 12), min_size=2, max_size=9), st.floats(0.1, 9))
def test_scores_do_not_depend_on_the_unit(path, unit):
    path = np.array(path)
    for kind in ("end", "path"):
        score = compression_score(path, kind)
        assert 0 <= score <= 1
        assert compression_score(path * unit, kind) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(
    "ixt, kind", [([1.0], "end"), ([1.0, np.nan], "end"), ([1.0, -0.1], "end"), ([1.0, 0.5], "mean")]
)
def test_a_score_that_is_not_defined_is_refused(ixt, kind):
    with pytest.raises(ValueError, match="expected"):
        compression_score(np.array(ixt), kind)


@given(st.integers(0, 999))
def test_rho_agrees_with_scipy_ties_included(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 20), rng.normal(size=20).round(1)
    assert rank_correlation(a, b, n_permutations=9).rho == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_the_p_value_agrees_with_all_permutations():
    a, b = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 1, 3, 5, 4, 4])
    exact = [abs(stats.spearmanr(a, b[list(p)]).statistic) for p in itertools.permutations(range(6))]
    p = np.mean(np.array(exact) >= abs(stats.spearmanr(a, b).statistic) - 1e-12)
    found = rank_correlation(a, b, n_permutations=20_000)
    assert found.p_value == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 20_000) + 1 / 20_000)


def test_under_the_null_p_values_are_uniform():
    rng = np.random.default_rng(0)
    p = [rank_correlation(rng.normal(size=12), rng.normal(size=12), n_permutations=199).p_value for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    assert min(p) >= 1 / 200


@pytest.mark.parametrize(
    "a, b, word",
    [
        ([1, 2], [1, 2], "n >= 3"),
        ([1, 2, 3], [1, 2], "expected equal"),
        ([1, 1, 1], [1, 2, 3], "score is constant at 1"),
        ([1, 2, np.nan], [1, 2, 3], "score holds NaN"),
    ],
)
def test_a_correlation_that_is_not_defined_is_refused(a, b, word):
    with pytest.raises(ValueError, match=word):
        rank_correlation(a, b)


def test_holm_by_hand_and_never_below_the_raw_value():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9]) == pytest.approx([0.9])
    assert (holm([0.5, 0.9, 0.8]) <= 1).all()
    with pytest.raises(ValueError, match="p_values"):
        holm([])
