"""Errors and scores of estimated effects: closed forms, scikit-learn and SciPy as peers, ties, and bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score

from corelib.causal.diagnostics import cate_mse, paired_tests, r_score, stratified_mse
from corelib.causal.graphs import degrees, make_graph, mean_operator

pytestmark = pytest.mark.ch04

NAN = float("nan")


def draw(n=50, seed=0):
    """Residuals of y and t, and estimated effects."""
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(a) for a in (rng.standard_normal(n), rng.uniform(-0.9, 0.9, n), rng.standard_normal(n))]


def errors(seeds=10, seed=0, **shifts):
    """A table whose seeds are easy or hard for all methods alike."""
    rng = np.random.default_rng(seed)
    shared = 3 * rng.standard_normal(seeds)
    return {name: shared + shift + 0.3 * rng.standard_normal(seeds) for name, shift in shifts.items()}


def test_the_error_is_the_mean_square_over_the_mask():
    tau, tau_hat = torch.tensor([1.0, 2, 3, NAN]), torch.tensor([1.0, 0, 0, 5])
    assert cate_mse(tau_hat, tau, torch.tensor([True, True, True, False])) == pytest.approx(13 / 3, rel=1e-12)
    assert cate_mse(tau_hat[:2], tau[:2]) == 2
    assert cate_mse(tau_hat[:2].numpy(), [1.0, 2.0]) == 2
    assert cate_mse(tau_hat[:1].requires_grad_(), tau[:1]) == 0


def test_the_error_survives_a_huge_offset():
    tau = torch.arange(4, dtype=torch.float64) + 1e9
    assert cate_mse(tau + 1, tau) == 1


@given(st.integers(0, 999))
def test_the_score_is_a_weighted_r2_of_the_ratio(seed):
    """Regressing y / t with weights t^2 is the R-loss; the weighted mean of the ratio is the best constant."""
    y, t, tau_hat = draw(seed=seed)
    assert r_score(y, t, tau_hat) == pytest.approx(r2_score(y / t, tau_hat, sample_weight=t**2), rel=1e-9)


def test_the_best_constant_scores_zero_and_the_exact_effect_one():
    y, t, tau = draw()
    best = (y @ t / (t @ t)).expand(50)
    assert r_score(y, t, best) == pytest.approx(0, abs=1e-12)
    assert r_score(y, t, best + 0.1) < 0
    assert r_score(t * tau, t, tau) == 1


@given(st.integers(0, 99), st.floats(0.01, 100))
def test_the_score_has_no_units_and_no_preferred_arm(seed, scale):
    y, t, tau_hat = draw(seed=seed)
    score = r_score(y, t, tau_hat)
    assert r_score(scale * y, t, scale * tau_hat) == pytest.approx(score, rel=1e-9)
    assert r_score(y, -t, -tau_hat) == pytest.approx(score, rel=1e-12)


def test_the_true_effect_removes_its_own_part_of_the_loss():
    """With oracle residuals the loss of a constant is noise + e (1 - e) Var(tau), and that of the truth is noise."""
    rng = np.random.default_rng(0)
    tau, t = 2.2 * rng.standard_normal(200_000), (rng.random(200_000) < 0.3) - 0.3
    y = t * tau + rng.standard_normal(200_000)
    signal = 0.3 * 0.7 * 2.2**2
    assert r_score(y, t, tau) == pytest.approx(signal / (1 + signal), abs=0.01)


def test_the_score_reads_the_mask_alone():
    y, t, tau_hat = draw()
    mask = torch.arange(50) < 30
    score = r_score(y[:30], t[:30], tau_hat[:30])
    y[40] = tau_hat[41] = NAN
    assert r_score(y, t, tau_hat, mask) == score


@pytest.mark.parametrize(
    ("y", "t", "message"),
    [
        ([1.0, 2.0], [0.0, 0.0], "t_residual is 0 at all 2 nodes"),
        ([0.3, -0.6], [0.1, -0.2], "times a constant"),
        ([0.0, 0.0], [0.1, -0.2], "times a constant"),
        ([NAN, 0.0], [0.1, -0.2], "y_residual holds 1 NaN"),
    ],
)
def test_residuals_without_a_score_are_refused(y, t, message):
    with pytest.raises(ValueError, match=message):
        r_score(y, t, [1.0, 1.0])


@pytest.mark.parametrize(
    ("tau_hat", "mask", "message"),
    [
        (torch.zeros(3), None, r"tau has shape \(4,\); expected \(3,\), as tau_hat"),
        (torch.zeros(4, 1), None, r"tau_hat has shape \(4, 1\)"),
        (torch.tensor(1.0), None, r"tau_hat has shape \(\)"),
        (torch.zeros(0), None, r"tau_hat has shape \(0,\)"),
        (torch.tensor([0, 0, NAN, 0]), None, "tau_hat holds 1 NaN"),
        (torch.zeros(4), torch.zeros(4, dtype=torch.bool), "mask selects none of 4"),
        (torch.zeros(4), torch.ones(4), "mask has dtype torch.float32"),
        (torch.zeros(4), torch.ones(3, dtype=torch.bool), r"mask has dtype torch.bool and shape \(3,\)"),
    ],
)
def test_effects_that_do_not_fit_are_refused(tau_hat, mask, message):
    with pytest.raises(ValueError, match=message):
        cate_mse(tau_hat, torch.zeros(4), mask)


def test_complex_effects_are_refused():
    with pytest.raises(TypeError, match=r"tau has dtype torch\.complex64"):
        cate_mse(torch.zeros(2), torch.zeros(2, dtype=torch.complex64))


def test_strata_hold_their_share_when_degrees_are_all_different():
    tau = torch.linspace(0, 1, 100)
    found = stratified_mse(tau + 1, tau, torch.arange(100))
    assert {name: (s.nodes, s.degrees) for name, s in found.items()} == {
        "all": (100, (0, 99)),
        "periphery": (50, (0, 49)),
        "hubs": (10, (90, 99)),
    }
    assert [s.mse for s in found.values()] == pytest.approx([1, 1, 1], rel=1e-6)
    assert stratified_mse(tau, tau, torch.arange(100), bottom=0.07, top=0.07)["periphery"].nodes == 7


def test_nodes_that_tie_at_the_edge_of_a_stratum_belong_to_it():
    degree = torch.tensor([4, 4, 4, 4, 4, 4, 4, 7, 9, 9])
    tau = torch.arange(10.0)
    found = stratified_mse(2 * tau, tau, degree)
    assert (found["periphery"].nodes, found["periphery"].degrees) == (7, (4, 4))
    assert (found["hubs"].nodes, found["hubs"].degrees) == (2, (9, 9))
    assert found["periphery"].mse == 13  # the mean of 0, 1, 4, ..., 36
    assert found["periphery"].variance == 4
    assert found["periphery"].normalised == 3.25


@given(st.integers(0, 99))
def test_strata_do_not_depend_on_the_order_of_the_nodes(seed):
    rng = np.random.default_rng(seed)
    tau, tau_hat, degree = rng.standard_normal(60), rng.standard_normal(60), rng.geometric(0.2, 60)
    order = rng.permutation(60)
    before, after = stratified_mse(tau_hat, tau, degree), stratified_mse(tau_hat[order], tau[order], degree[order])
    for name in before:
        assert after[name].nodes == before[name].nodes
        assert after[name].mse == pytest.approx(before[name].mse, rel=1e-12)
        assert after[name].normalised == pytest.approx(before[name].normalised, rel=1e-12)


def test_the_mean_of_a_stratum_has_normalised_error_one():
    tau = torch.randn(80, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hubs = torch.arange(80) >= 72
    tau_hat = torch.where(hubs, tau[hubs].mean(), 0.0)
    assert stratified_mse(tau_hat, tau, torch.arange(80))["hubs"].normalised == pytest.approx(1, rel=1e-12)


def test_raw_and_normalised_errors_can_tell_opposite_stories():
    """A neighbour mean varies as 1/d, so a constant looks best at hubs, where a noisy copy of tau is useless."""
    edge_index = make_graph("ba", 2000, seed=0)
    x, noise = torch.randn(2, 2000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tau = mean_operator(edge_index, 2000) @ x
    degree = degrees(edge_index, 2000)
    constant = stratified_mse(torch.zeros(2000), tau, degree)
    assert constant["hubs"].mse < 0.4 * constant["periphery"].mse
    assert constant["hubs"].normalised == pytest.approx(constant["periphery"].normalised, abs=0.1)
    noisy = stratified_mse(tau + 0.3 * noise, tau, degree)
    assert noisy["hubs"].mse == pytest.approx(noisy["periphery"].mse, rel=0.3)
    assert noisy["hubs"].normalised > 2 * noisy["periphery"].normalised


def test_strata_are_shares_of_the_masked_nodes():
    degree, tau = torch.arange(40), torch.randn(40, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(40) < 20
    found = stratified_mse(0 * tau, tau, degree, mask)
    assert found["all"].nodes == 20
    assert found["hubs"].degrees == (18, 19)
    assert found == stratified_mse(0 * tau[mask], tau[mask], degree[mask])


def test_an_effect_that_is_constant_has_a_raw_error_only():
    found = stratified_mse(torch.zeros(30), torch.full((30,), 0.1, dtype=torch.float64), torch.arange(30))
    assert found["hubs"].mse == pytest.approx(0.01, rel=1e-12)
    assert found["hubs"].variance == 0
    with pytest.raises(ValueError, match="variance is 0: one true effect at all 3 nodes"):
        _ = found["hubs"].normalised


@pytest.mark.parametrize(
    ("degree", "options", "message"),
    [
        ([8, 8, 8, 8], {}, "degree is 8 or more in the top 0.1 and 8 or less in the bottom 0.5"),
        ([1, 2, 3, 4], {"bottom": 0.8, "top": 0.8}, "degree is 1 or more in the top 0.8"),
        ([1, 2, 3, -4], {}, "degree holds values that are negative or not whole"),
        ([1, 2, 3, 0.5], {}, "degree holds values that are negative or not whole"),
        ([1, 2, 3, 4], {"bottom": 0}, "bottom is 0; expected a share"),
        ([1, 2, 3, 4], {"top": 1}, "top is 1; expected a share"),
        ([1, 2, 3, 4], {"top": NAN}, "top is nan; expected a share"),
    ],
)
def test_degrees_without_strata_are_refused(degree, options, message):
    with pytest.raises(ValueError, match=message):
        stratified_mse(torch.zeros(4), torch.arange(4.0), degree, **options)


def test_a_single_node_has_no_strata():
    with pytest.raises(ValueError, match="hubs from periphery"):
        stratified_mse([0.0], [1.0], [3])


def test_p_values_are_scipys_on_pairs():
    table = errors(seeds=12, ours=0.0, blind=1.0, tie=0.05)
    found = paired_tests(table, "ours")
    assert list(found) == ["blind", "tie"]
    for name, test in found.items():
        assert test.t_p == pytest.approx(stats.ttest_rel(table[name], table["ours"]).pvalue, rel=1e-9)
        assert test.wilcoxon_p == pytest.approx(stats.wilcoxon(table[name], table["ours"]).pvalue, rel=1e-9)
        assert test.difference == pytest.approx(table[name].mean() - table["ours"].mean(), rel=1e-9)
        assert test.seeds == 12
    assert found["blind"].wins == 12


def test_pairing_sees_what_the_spread_over_seeds_hides():
    table = errors(ours=0.0, blind=1.0)
    assert stats.ttest_ind(table["blind"], table["ours"]).pvalue > 0.1
    assert paired_tests(table, "ours")["blind"].t_p < 1e-3


@given(st.integers(0, 99), st.integers(2, 6))
def test_holm_never_lets_a_smaller_p_value_overtake(seed, methods):
    shifts = {f"m{k}": 0.15 * k for k in range(methods)}
    found = paired_tests(errors(seed=seed, ours=0.0, **shifts), "ours", n_bootstrap=1).values()
    for kind in ("t", "wilcoxon"):
        p = [getattr(test, f"{kind}_p") for test in found]
        for own, test in zip(p, found, strict=True):
            # By the definition: each p-value not above one's own, times the number of hypotheses not rejected before.
            steps = [q * sum(other >= q for other in p) for q in p if q <= own]
            assert getattr(test, f"{kind}_holm") == pytest.approx(min(1, max(steps)), rel=1e-12)


def test_wilcoxon_has_a_floor_that_ten_seeds_cannot_pass():
    for seeds, passes in ((10, False), (11, True)):
        test = paired_tests(errors(seeds, ours=0.0, blind=50.0), "ours")["blind"]
        assert test.wilcoxon_p == pytest.approx(test.wilcoxon_least, rel=1e-12)
        assert (test.wilcoxon_p < 1e-3) == passes
        assert test.t_p < 1e-3


def test_a_hardness_that_seeds_share_changes_nothing():
    table = errors(ours=0.0, blind=0.2)
    harder = {name: column + 100 * np.arange(10) for name, column in table.items()}
    before, after = paired_tests(table, "ours")["blind"], paired_tests(harder, "ours")["blind"]
    assert after.interval == pytest.approx(before.interval, rel=1e-9)
    assert after.t_p == pytest.approx(before.t_p, rel=1e-9)
    assert (after.wins, after.wilcoxon_p) == (before.wins, before.wilcoxon_p)


def test_exchanging_the_two_methods_changes_the_sign_alone():
    table = errors(ours=0.0, blind=0.2)
    one, other = paired_tests(table, "ours")["blind"], paired_tests(table, "blind")["ours"]
    assert other.difference == -one.difference
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), rel=1e-9)
    assert other.t_p == pytest.approx(one.t_p, rel=1e-12)
    assert one.wins + other.wins == one.seeds


def test_the_interval_approaches_the_normal_one_and_follows_its_generator():
    table = errors(400, ours=0.0, blind=0.2)
    difference = table["blind"] - table["ours"]
    normal = stats.norm.interval(0.9, difference.mean(), stats.sem(difference))
    test = paired_tests(table, "ours", level=0.9, rng=3)["blind"]
    assert test.interval == pytest.approx(normal, abs=0.06 * (normal[1] - normal[0]))
    assert test == paired_tests(table, "ours", level=0.9, rng=np.random.default_rng(3))["blind"]
    assert test.interval != paired_tests(table, "ours", level=0.9, rng=4)["blind"].interval


def test_tensors_lists_and_ties_are_welcome():
    test = paired_tests({"a": torch.tensor([1.0, 2, 3, 4]), "b": [1, 1, 1, 1]}, "b")["a"]
    assert (test.wins, test.difference) == (3, 1.5)  # the first seed is a tie, which nobody wins
    assert test.wilcoxon_p >= test.wilcoxon_least


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1.0, 2]}, "reference is 'b'; expected one of"),
        ({"b": [1.0, 2]}, "table has 'b' only"),
        ({"a": [1.0], "b": [2.0]}, "table has 1 seed"),
        ({"a": [1.0, 2, 3], "b": [1.0, 2]}, r"table\['a'\] has 3 seeds; expected 2"),
        ({"a": [[1.0, 2]], "b": [1.0, 2]}, r"table\['a'\] has shape \(1, 2\)"),
        ({"a": [1.0, NAN], "b": [1.0, 2]}, r"table\['a'\] holds 1 NaN"),
        ({"a": [1.0, 2], "b": [1.0, 2]}, "'b' is 0 at every seed"),
        ({"a": [1.1, 2.1, 3.1], "b": [1.0, 2, 3]}, "'b' is 0.1 at every seed"),
    ],
)
def test_tables_without_a_test_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        paired_tests(table, "b")


@pytest.mark.parametrize("options", [{"level": 1.0}, {"level": NAN}, {"n_bootstrap": 0}, {"n_bootstrap": True}])
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        paired_tests(errors(ours=0.0, blind=1.0), "ours", **options)
