"""Rank studies: small tables by hand, planted ties, clusters and Simpson's reversal, intervals that cover."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from corelib.information.generalization.rank_study import (
    average_over_draws,
    correlation_table,
    granulated_kendall,
    within_group_spearman,
)

pytestmark = pytest.mark.ch01
N = "1/sqrt(n)"


def study(settings=24, draws=3, seed=0):
    """Gap, measures and groups: a good measure, a bad one and the baseline, each setting on several draws."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(settings), draws)
    n = np.where(groups % 2 == 0, 50.0, 200.0)
    gap = n**-0.5 + 0.03 * rng.standard_normal(settings)[groups] + 0.02 * rng.standard_normal(len(groups))
    measures = {
        "good": gap + 0.01 * rng.standard_normal(len(groups)),
        "noise": rng.standard_normal(len(groups)),
        N: n**-0.5,
    }
    return gap, measures, groups


def test_a_table_with_ties_by_hand():
    # Ranks of the measure 1.5, 1.5, 3, 4, of the gap 1, 2, 4, 3: centred products 1.5 + 0.5 + 0.75 + 0.75.
    row = correlation_table([0.1, 0.2, 0.9, 0.5], {N: [1.0, 1.0, 2.0, 3.0]}, groups=range(4))[N]
    assert row.spearman == pytest.approx(3.5 / math.sqrt(4.5 * 5))
    assert row.kendall == pytest.approx((4 - 1) / math.sqrt(5 * 6))  # of six pairs one is tied, one is reversed
    assert row.pearson == pytest.approx(stats.pearsonr([1, 1, 2, 3], [0.1, 0.2, 0.9, 0.5]).statistic)


def test_draws_are_averaged_before_anything_is_ranked():
    # Within each setting the measure runs against the gap; the means run with it.
    gap, measure = [1.0, 3.0, 4.0, 6.0, 7.0, 9.0], [3.0, 1.0, 6.0, 4.0, 9.0, 7.0]
    row = correlation_table(gap, {N: measure}, groups=["a", "a", "b", "b", "c", "c"])[N]
    assert row.spearman == row.kendall == pytest.approx(1)
    assert stats.spearmanr(gap, measure).statistic == pytest.approx(1 - 6 * 6 / (6 * 35))  # all ranks are off by one
    np.testing.assert_array_equal(average_over_draws(gap, list("aabbcc")), [2, 5, 8])


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1, -7e-9])
def test_equal_draws_keep_their_value_so_that_ties_stay_ties(value):
    groups = np.repeat(np.arange(4), [1, 3, 7, 10])
    assert (average_over_draws(np.full(21, value), groups) == value).all()


def test_the_same_draws_in_another_order_tie():
    rng = np.random.default_rng(0)
    for draws in rng.integers(0, 100, size=(200, 3)) / 1000:
        first, second = average_over_draws([*draws, *rng.permutation(draws)], [0, 0, 0, 1, 1, 1])
        assert first == second


def test_a_group_or_factor_that_is_nan_is_refused():
    with pytest.raises(ValueError, match="groups holds NaN"):
        average_over_draws([1.0, 2.0], [0, np.nan])
    with pytest.raises(ValueError, match="factor 'decay' holds NaN"):
        granulated_kendall([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"decay": [0, 0.1, np.nan]})


def test_the_coefficients_are_scipys_of_the_group_means():
    gap, measures, groups = study()
    table = correlation_table(gap, measures, groups=groups)
    gap_means = average_over_draws(gap, groups)
    for name, values in measures.items():
        means = np.array([values[groups == g].mean() for g in range(24)])
        for row_value, peer in (
            (table[name].spearman, stats.spearmanr),
            (table[name].kendall, stats.kendalltau),
            (table[name].pearson, stats.pearsonr),
        ):
            assert row_value == pytest.approx(peer(means, gap_means).statistic, abs=1e-12)


def test_the_bootstrap_is_a_loop_over_resampled_groups():
    gap, measures, groups = study(9)
    table = correlation_table(gap, measures, groups=groups, n_boot=200, seed=3)
    means = {name: average_over_draws(values, groups) for name, values in {**measures, "gap": gap}.items()}
    good, base = [], []
    for pick in np.random.default_rng(3).integers(9, size=(200, 9)):
        good.append(stats.spearmanr(means["good"][pick], means["gap"][pick]).statistic)
        base.append(stats.spearmanr(means[N][pick], means["gap"][pick]).statistic if len(set(pick % 2)) > 1 else np.nan)
    kept = np.isfinite(base)
    good, base = np.array(good)[kept], np.array(base)[kept]
    assert (table["good"].lo, table["good"].hi) == pytest.approx(tuple(np.quantile(good, [0.025, 0.975])))
    row = table["good"]
    assert (row.diff_lo, row.diff_hi) == pytest.approx(tuple(np.quantile(good - base, [0.025, 0.975])))
    assert row.dropped == (~kept).sum()


def test_the_baseline_does_not_differ_from_itself():
    gap, measures, groups = study()
    row = correlation_table(gap, measures, groups=groups)[N]
    assert (row.diff, row.diff_lo, row.diff_hi) == (0, 0, 0)
    good = correlation_table(gap, measures, groups=groups)["good"]
    assert good.diff == pytest.approx(good.spearman - row.spearman)
    assert good.diff_lo < good.diff < good.diff_hi


def test_a_paired_difference_sees_what_two_overlapping_intervals_hide():
    rng = np.random.default_rng(1)
    gap = rng.standard_normal(60)
    shared = gap + 0.8 * rng.standard_normal(60)
    measures = {N: shared, "a little better": shared + 0.3 * (gap - shared)}
    table = correlation_table(gap, measures, groups=range(60))
    worse, better = table[N], table["a little better"]
    assert better.lo < worse.hi
    assert better.diff_lo > 0


def test_resamples_without_order_are_left_out_and_counted():
    # One setting of four has another n: it is absent from (3/4)^4 of the resamples, alone in (1/4)^4.
    gap, n = [0.1, 0.2, 0.4, 0.9], [1.0, 1.0, 1.0, 2.0]
    table = correlation_table(gap, {N: n, "order": [1.0, 2.0, 3.0, 4.0]}, groups=range(4), n_boot=4000)
    expected = (3 / 4) ** 4 + (1 / 4) ** 4
    for row in table.rows:
        assert row.dropped / 4000 == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 4000))
        assert all(math.isfinite(end) for end in (row.lo, row.hi, row.diff_lo, row.diff_hi))


def test_draws_taken_for_independent_rows_make_intervals_too_narrow():
    gap, measures, groups = study(16, draws=12, seed=2)
    measures["noise"] = np.random.default_rng(9).standard_normal(16)[groups]
    proper = correlation_table(gap, measures, groups=groups)["noise"]
    naive = correlation_table(gap, measures, groups=np.arange(len(gap)))["noise"]
    assert proper.hi - proper.lo > 2 * (naive.hi - naive.lo)


def test_intervals_cover_where_rows_instead_of_groups_do_not():
    """Normal pairs of correlation 0.6 as settings; Spearman's coefficient is then 6 / pi * arcsin(0.3)."""
    truth, rng = 6 / math.pi * math.asin(0.3), np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 4)
    covered, naive = [], []
    for _ in range(80):
        gap, measure = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=40).T
        rows = (gap[groups], {N: measure[groups]})
        proper, wrong = (correlation_table(*rows, groups=g, n_boot=200)[N] for g in (groups, np.arange(160)))
        covered.append(proper.lo <= truth <= proper.hi)
        naive.append(wrong.lo <= truth <= wrong.hi)
    # Four standard errors below 95 %; the naive interval, half as wide as it should be, covers about 67 %.
    assert np.mean(covered) >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 80)
    assert np.mean(naive) < 0.8


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.sampled_from([np.exp, np.cbrt, lambda v: 1e6 + 3 * v, np.arctan]))
def test_rank_columns_see_the_order_only(seed, monotone):
    rng = np.random.default_rng(seed)
    gap, measure = rng.standard_normal((2, 15))
    first = correlation_table(gap, {N: measure}, groups=range(15), n_boot=100)[N]
    second = correlation_table(monotone(gap), {N: monotone(measure)}, groups=range(15), n_boot=100)[N]
    for name in ("spearman", "kendall", "lo", "hi"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(30)))
def test_the_order_of_rows_changes_nothing(order):
    gap, measures, groups = study(10)
    first = correlation_table(gap, measures, groups=groups, n_boot=100)
    shuffled = {name: values[order] for name, values in measures.items()}
    second = correlation_table(gap[order], shuffled, groups=groups[order], n_boot=100)
    for a, b in zip(first.rows, second.rows, strict=True):
        assert a.measure == b.measure and a.dropped == b.dropped
        assert (a.spearman, a.pearson, a.lo, a.diff_hi) == pytest.approx((b.spearman, b.pearson, b.lo, b.diff_hi))


def test_reversing_the_sign_of_the_gap_reverses_the_coefficients():
    gap, measures, groups = study()
    right, wrong = (correlation_table(sign * gap, measures, groups=groups)["good"] for sign in (1, -1))
    assert (wrong.spearman, wrong.lo, wrong.hi) == pytest.approx((-right.spearman, -right.hi, -right.lo))


def test_a_printed_table_is_sorted_and_a_seed_repeats_it():
    gap, measures, groups = study()
    table = correlation_table(gap, measures, groups=groups, seed=5)
    lines = str(table).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["good", N, "noise"]
    assert lines[-1].startswith("24 groups, 1000 resamples")
    assert str(correlation_table(gap, measures, groups=groups, seed=5)) == str(table)
    assert correlation_table(gap, measures, groups=groups, seed=6)["good"].lo != table["good"].lo
    with pytest.raises(KeyError, match="the table has good, noise"):
        table["params"]


def grid():
    """All combinations of two depths, three decays and two noises: factors and one row a combination."""
    rows = np.array(list(itertools.product([1, 2], [0.0, 0.01, 0.1], [0.0, 0.2])))
    return {"depth": rows[:, 0], "decay": rows[:, 1], "noise": rows[:, 2]}


def test_granulated_by_hand():
    factors = grid()
    gap = 10 * factors["noise"] - factors["depth"] + 30 * factors["decay"]
    found = granulated_kendall(factors["depth"] * 1.0, gap, factors)
    assert found.by_factor == {"depth": -1, "decay": 0, "noise": 0}  # depth moves the measure alone, and against
    assert found.psi == pytest.approx(-1 / 3)
    assert found.cells == {"depth": 6, "decay": 4, "noise": 6}
    assert granulated_kendall(gap, gap, factors).psi == 1
    assert granulated_kendall(-gap, gap, factors).psi == -1


def test_granulated_within_a_cell_is_the_share_of_agreeing_pairs():
    factor = {"width": [8, 16, 32, 64]}
    # Pairs of the measure in the order of the gap: 4 agree, 1 is reversed, 1 is tied.
    found = granulated_kendall([1.0, 2.0, 2.0, 1.5], [0.1, 0.2, 0.3, 0.4], factor)
    assert found.by_factor["width"] == pytest.approx((3 - 2) / 6)
    untied = np.random.default_rng(0).standard_normal((2, 4))
    assert granulated_kendall(*untied, factor).psi == pytest.approx(stats.kendalltau(*untied).statistic)


def test_granulated_averages_draws_and_keeps_the_order_of_factors():
    factors = {name: np.tile(values, 3) for name, values in grid().items()}
    rng = np.random.default_rng(0)
    measure, gap = rng.standard_normal((2, 36))
    means = [values.reshape(3, 12).mean(0) for values in (measure, gap)]
    whole = granulated_kendall(measure, gap, factors)
    assert whole == granulated_kendall(*means, grid())
    assert list(whole.by_factor) == ["depth", "decay", "noise"]
    order = rng.permutation(36)
    assert granulated_kendall(measure[order], gap[order], {k: v[order] for k, v in factors.items()}) == whole


def test_granulated_takes_no_credit_from_another_factor():
    """n orders gap and measure together; along depth, which is all that is left, the measure is wrong."""
    n, depth = np.array(list(itertools.product([50, 200], [1, 2, 3]))).T
    gap, measure = 100 / n + 0.1 * depth, 100 / n - 0.1 * depth
    assert stats.spearmanr(measure, gap).statistic > 0.5
    found = granulated_kendall(measure, gap, {"n": n, "depth": depth})
    assert found.by_factor == {"n": 1, "depth": -1}


def test_granulated_skips_cells_with_one_network():
    factors = {"width": [1, 2, 1], "noise": ["none", "none", "much"]}
    found = granulated_kendall([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], factors)
    assert found.cells == {"width": 1, "noise": 1} and found.psi == 1
    with pytest.raises(ValueError, match="factor 'width' never varies alone"):
        granulated_kendall([1.0, 2.0], [1.0, 2.0], {"width": [1, 2], "noise": [0, 1]})


def test_simpsons_reversal():
    x = np.concatenate([center + np.array([-0.3, -0.1, 0.1, 0.3]) for center in (0, 5, 10)])
    by = np.repeat([0, 1, 2], 4)
    gap = 2.0 * by - 0.5 * (x - 5 * by)
    found = within_group_spearman(x, gap, by)
    assert found == {0: pytest.approx(-1), 1: pytest.approx(-1), 2: pytest.approx(-1)}
    assert stats.spearmanr(x, gap).statistic > 0.7


@pytest.mark.parametrize(
    "change, message",
    [
        ({"measures": {"other": np.arange(6.0)}}, r"measures has no '1/sqrt\(n\)'; expected the baseline among other"),
        ({"gap": np.ones(6)}, "gap is constant at 1 and orders nothing"),
        ({"measures": {N: np.full(6, 0.1)}}, r"measure '1/sqrt\(n\)' is constant at 0.1"),
        ({"measures": {N: np.arange(5.0)}}, r"has shape \(5,\); expected \(6,\)"),
        ({"measures": {N: np.array([0, 1, 2, 3, 4, -np.inf])}}, "holds NaN or infinite"),
        ({"gap": np.array([0, 1, 2, 3, 4, np.nan])}, "gap holds NaN"),
        ({"gap": np.arange(6.0)[:, None]}, "gap and groups have shapes"),
        ({"groups": [0, 0, 0, 1, 1, 1]}, "has 2 values to rank; expected at least 3"),
        ({"groups": [0, 1]}, "gap and groups have shapes"),
        ({"n_boot": 99}, "n_boot is 99; expected an integer >= 100"),
        ({"n_boot": 1e3}, "n_boot is 1000.0"),
    ],
)
def test_bad_tables_are_refused(change, message):
    good = {"gap": np.arange(6.0), "measures": {N: np.arange(6.0)}, "groups": range(6)}
    with pytest.raises(ValueError, match=message):
        correlation_table(**{**good, **change})


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: granulated_kendall([1.0], [1.0], {}), "factors is empty"),
        (lambda: granulated_kendall([1.0, 2.0], [1.0], {"a": [1, 2]}), r"gap has shape \(1,\); expected \(2,\)"),
        (lambda: granulated_kendall([1.0, 2.0], [1.0, 2.0], {"a": [1]}), "factor 'a' has shape"),
        (lambda: granulated_kendall([1.0, np.nan], [1.0, 2.0], {"a": [1, 2]}), "measure holds NaN"),
        (lambda: granulated_kendall([], [], {"a": []}), "measure has shape"),
        (lambda: within_group_spearman([1.0, 2, 3], [1.0, 1, 1], [7] * 3), "gap where by is 7 is constant at 1"),
        (lambda: within_group_spearman([1.0, 2], [1.0, 2], [0, 0]), "measure where by is 0 has 2 values to rank"),
        (lambda: within_group_spearman([1.0], [1.0, 2], [0]), "gap has shape"),
        (lambda: average_over_draws([1.0], []), "groups has shape"),
        (lambda: average_over_draws([np.inf], [0]), "values holds NaN or infinite"),
    ],
)
def test_bad_rows_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
