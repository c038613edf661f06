"""The simulation: its truth is the truth, its floors are floors, one seed means one draw; refusals."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.causal.graphs import KINDS, gcn_operator, make_graph, mean_operator, propagate
from corelib.causal.simulation import BASELINES, blind_floor, r_bias, simulate_network_cate

pytestmark = pytest.mark.ch04

STAR = torch.tensor([[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 0, 0, 0, 0]])


def standard_score(values):
    return (values - values.mean()) / values.std(correction=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_effect_is_that_of_the_neighbours(kind):
    data = simulate_network_cate(kind, 801 if kind == "ba" else 800, seed=2)
    P = mean_operator(data.edge_index, len(data.x))
    torch.testing.assert_close(data.tau, 1 + 2.2 * standard_score(P @ data.x[:, 0]))
    assert data.tau.var(correction=0).item() == pytest.approx(4.84, rel=1e-12)
    assert data.tau.mean().item() == pytest.approx(1, abs=1e-12)


def test_without_noise_the_outcome_is_baseline_plus_effect_of_the_treated():
    data = simulate_network_cate("ws", noise=0.0, seed=4)
    x, b = data.x, data.m - data.e * data.tau
    c = standard_score(mean_operator(data.edge_index, 800) @ x[:, 1])
    torch.testing.assert_close(data.y, b + data.t * data.tau)
    own = x[:, 1] + 2 * torch.sin(2 * x[:, 3]) * (x[:, 4] > 0) + 1.5 * x[:, 5] * x[:, 6].abs()
    torch.testing.assert_close(b, c + own + 2 * c.abs())


def test_the_simple_baseline_is_a_line_and_confounding_its_slope():
    data = simulate_network_cate("ba", baseline="simple", confounding=3.0, noise=0.0, d=3, seed=1)
    c = standard_score(mean_operator(data.edge_index, 800) @ data.x[:, 1])
    torch.testing.assert_close(data.m - data.e * data.tau, 3 * c + data.x[:, 1])


@pytest.mark.parametrize("baseline", BASELINES)
def test_outcome_and_treatment_have_the_stated_expectations(baseline):
    data = simulate_network_cate("ws", 8000, baseline=baseline, noise=0.5, seed=0)
    for observed, expected, variance in (
        (data.t, data.e, data.e * (1 - data.e)),
        (data.y, data.m, data.e * (1 - data.e) * data.tau**2 + 0.25),
    ):
        scores = (observed - expected) / variance.sqrt()
        assert scores.mean().item() == pytest.approx(0, abs=4 / math.sqrt(8000))
        # Squares of a standardised binary or mixed residual: spread from the sample itself.
        assert (scores**2).mean().item() == pytest.approx(1, abs=4 * (scores**2).std().item() / math.sqrt(8000))


def test_about_a_third_is_treated_and_overlap_is_kept():
    shares = [simulate_network_cate("ba", seed=seed).t.mean().item() for seed in range(10)]
    assert np.mean(shares) == pytest.approx(0.34, abs=0.02)
    data = simulate_network_cate("ba", treat_logit=3.0, seed=0)
    assert data.e.min() >= 0.05
    assert data.e.max() == 0.95


@pytest.mark.parametrize(("effect", "hops"), [("local", 0), ("two_hop", 2), ("three_hop", 3)])
def test_the_effect_may_sit_elsewhere(effect, hops):
    data = simulate_network_cate("sbm", effect=effect, amplitude=0.5, tau0=-3.0, seed=6)
    P = mean_operator(data.edge_index, 800)
    torch.testing.assert_close(data.tau, -3 + 0.5 * standard_score(propagate(P, data.x[:, 0], hops)[-1]))


def test_no_effect_variation_means_one_effect_and_no_floor():
    data = simulate_network_cate("ba", effect="none", tau0=0.7, seed=0)
    assert (data.tau == 0.7).all()
    assert (data.floor == 0).all()
    assert (simulate_network_cate("ba", effect="local", seed=0).floor == 0).all()


def test_one_seed_is_one_draw_whatever_the_options():
    first = simulate_network_cate("ba", seed=9)
    again = simulate_network_cate("ba", seed=9)
    other = simulate_network_cate("ba", effect="local", baseline="simple", noise=3.0, treat_logit=0.0, seed=9)
    assert torch.equal(first.y, again.y)
    assert torch.equal(first.t, again.t)
    for name in ("x", "edge_index", "train_mask"):
        assert torch.equal(getattr(first, name), getattr(other, name))
    assert not torch.equal(first.x, simulate_network_cate("ba", seed=10).x)


def test_no_interference_a_neighbours_treatment_changes_nothing():
    # Two draws that differ only in who is treated: among nodes with the same treatment in both, outcomes are the same.
    few, many = (simulate_network_cate("ba", treat_logit=logit, seed=3) for logit in (-0.8, 1.0))
    same = few.t == many.t
    assert 200 < same.sum() < 800
    assert torch.equal(few.y[same], many.y[same])


def test_given_features_and_graph_are_used():
    x, edge_index = np.random.default_rng(0).random((40, 7)), make_graph("ws", 40, seed=1)
    data = simulate_network_cate(None, x=x, edge_index=edge_index, seed=2)
    assert (data.x.numpy() == x).all()
    assert torch.equal(data.edge_index, edge_index)
    assert data.floor is None
    assert simulate_network_cate(None, 40, edge_index=edge_index, seed=2).floor is not None


def test_nodes_without_neighbours_share_one_effect_and_a_low_floor():
    with pytest.warns(UserWarning, match="no neighbour"):
        data = simulate_network_cate(None, 60, edge_index=make_graph("ws", 40, seed=1), seed=2)
    assert data.describe()["isolated"] == 20
    assert len(data.tau[40:].unique()) == 1
    assert len(data.floor[40:].unique()) == 1  # what the others' mean leaves unknown: little, but not zero
    assert 0 < data.floor[40] < 0.2 * data.floor[:40].min()


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_floor_is_at_most_the_variance_and_for_one_hop_all_of_it(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a node may be alone
        data = simulate_network_cate("er", 120, seed=seed)
    assert data.floor.mean().item() == pytest.approx(4.84, rel=2e-3)
    assert data.floor.mean() <= 4.84 + 1e-12
    assert data.floor.min() >= 0


@pytest.mark.parametrize(("kind", "effect"), [("ba", "neighbour"), ("sbm", "two_hop"), ("ba", "three_hop")])
def test_the_floor_is_what_remains_of_the_effect_given_own_features(kind, effect):
    n, draws = 200, 2000
    edge_index = make_graph(kind, n, seed=0)
    floor = simulate_network_cate(None, n, effect=effect, edge_index=edge_index, seed=0).floor
    rng = np.random.default_rng(1)
    X = torch.from_numpy(rng.standard_normal((n, draws)))
    hops = {"neighbour": 1, "two_hop": 2, "three_hop": 3}[effect]
    N = propagate(mean_operator(edge_index, n), X, hops)[-1]
    tau = 2.2 * (N - N.mean(0)) / N.std(0, correction=0)
    # Per node over draws: what the best line in the node's own feature (the conditional mean) leaves over.
    slope = (tau * X).mean(1) / (X**2).mean(1)
    left = (tau - slope[:, None] * X).var(1)
    # A variance of 2000 draws has relative error 0.03; the mean over 200 related nodes less.
    assert left.mean().item() == pytest.approx(floor.mean().item(), rel=0.02)
    torch.testing.assert_close(left, floor, rtol=5 * math.sqrt(2 / draws), atol=0.05)


def test_floors_of_the_star():
    P = gcn_operator(STAR, 5)
    assert blind_floor(P, torch.ones(1)).tolist() == pytest.approx([0.4, 0.1, 0.1, 0.1, 0.1], rel=1e-12)
    assert blind_floor(P.to_dense(), torch.tensor([3.0, 4.0])).tolist() == pytest.approx([10, *[2.5] * 4], rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_under_the_mean_the_floor_is_the_variance_one_over_the_degree(kind):
    edge_index = make_graph(kind, 300, mean_degree=6, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        P = mean_operator(edge_index, 300)
    degree = torch.bincount(edge_index[0], minlength=300).double()
    expected = torch.where(degree > 0, 2 / degree, 0.0)
    torch.testing.assert_close(blind_floor(P, torch.tensor([1.0, -1.0])), expected)


@pytest.mark.parametrize(("kind", "share"), [("ba", 0.78), ("er", 0.84), ("sbm", 0.84), ("ws", 0.89)])
def test_under_the_gcn_operator_a_blind_model_keeps_its_own_share(kind, share):
    shares = []
    for seed in range(5):
        P = gcn_operator(make_graph(kind, 600, seed=seed), 600)
        shares.append((blind_floor(P, torch.ones(1)).mean() / P.to_dense().square().sum(1).mean()).item())
    assert np.mean(shares) == pytest.approx(share, abs=0.01)


def test_a_floor_of_nothing_is_zero():
    assert blind_floor(torch.eye(3), torch.ones(2)).tolist() == [0, 0, 0]
    assert blind_floor(torch.ones(1, 1), torch.ones(1)).tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "bias"),
    [((0.1, 1.0, 2.0, 0.5), 0.08 / 0.26), ((-0.15, 2.0, -1.0, 0.3), -0.2775 / 0.2325)],
)
def test_the_bias_has_its_value_and_that_of_a_simulated_r_loss(arguments, bias):
    assert r_bias(*arguments).item() == pytest.approx(bias, rel=1e-6)
    delta_e, delta_m, tau, e = arguments
    rng, draws = np.random.default_rng(0), 200_000
    t = (rng.random(draws) < e).astype(float)
    y = (t - e) * tau + 0.5 * rng.standard_normal(draws)  # m = 0
    y_residual, t_residual = y + delta_m, t - (e - delta_e)
    minimiser = (y_residual * t_residual).sum() / (t_residual**2).sum()
    # The error is that of a mean of y_residual - minimiser t_residual, times t_residual, over their mean square.
    influence = t_residual * (y_residual - minimiser * t_residual) / (t_residual**2).mean()
    assert minimiser - tau == pytest.approx(bias, abs=4 * influence.std() / math.sqrt(draws))


@given(st.floats(-0.4, 0.4), st.floats(-5, 5), st.floats(-5, 5), st.floats(0.02, 0.98))
@settings(max_examples=60, deadline=None)
def test_the_bias_minimises_the_expected_r_loss(delta_e, delta_m, tau, e):
    bias = r_bias(delta_e, delta_m, tau, e).item()

    def loss(candidate):
        return e * (1 - e) * (tau - candidate) ** 2 + (delta_m - delta_e * candidate) ** 2

    best = tau + bias
    for step in (-1.0, -0.01, 0.01, 1.0):
        assert loss(best + step) >= loss(best) + 0.5 * e * (1 - e) * step**2 - 1e-9 * (1 + loss(best))


def test_one_right_nuisance_or_the_other():
    assert r_bias(0.0, 5.0, 2.0, 0.5) == 0  # the propensity is right
    assert r_bias(0.3, 0.0, 0.0, 0.5) == 0  # the outcome is right, and there is no effect
    assert r_bias(torch.tensor([0.1, 0.2]), 1.0, 2.0, torch.tensor([[0.5], [0.4]])).shape == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effect": "far"}, "effect is 'far'; expected one of local"),
        ({"baseline": "hard"}, "baseline is 'hard'; expected one of simple, complex"),
        ({"noise": -1.0}, "noise is -1.0; expected a number >= 0"),
        ({"amplitude": math.nan}, "amplitude is nan; expected a finite number"),
        ({"noise": math.inf}, "noise is inf"),
        ({"d": 6}, "d is 6; expected at least 7 for the complex baseline"),
        ({"d": 2, "baseline": "simple"}, "d is 2; expected at least 3"),
        ({"seed": None}, "seed is None"),
        ({"kind": None}, "expected one of them only"),
        ({"edge_index": STAR}, "expected one of them only"),
        ({"n": 30, "x": np.zeros((20, 8))}, "n is 30 and x has shape"),
        ({"x": np.full((20, 8), math.nan)}, "x holds 160 NaN"),
        ({"x": np.zeros(20)}, r"expected \(n, d\)"),
        ({"x": np.ones((20, 8))}, "feature 1 averaged over 1 hop is the same at all 20 nodes"),
        ({"n": 0}, "n 0; expected nodes on both sides"),
        ({"kind": None, "n": 4, "edge_index": STAR}, "names node 4"),
    ],
)
def test_bad_choices_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_network_cate(**({"seed": 0} | arguments))


def test_bad_input_to_the_closed_forms_is_refused():
    with pytest.raises(ValueError, match=r"P has shape \(2, 3\)"):
        blind_floor(torch.zeros(2, 3), torch.ones(1))
    with pytest.raises(ValueError, match=r"w has shape \(\); expected \(d,\)"):
        blind_floor(torch.eye(2), 1.0)
    with pytest.raises(ValueError, match="w holds 1 NaN"):
        blind_floor(torch.eye(2), [math.nan])
    for e in (0.0, 1.0, [0.5, 1.5]):
        with pytest.raises(ValueError, match="expected values between 0 and 1"):
            r_bias(0.1, 1.0, 2.0, e)
    with pytest.raises(ValueError, match="delta_m holds 1 NaN"):
        r_bias(0.1, math.nan, 2.0, 0.5)
