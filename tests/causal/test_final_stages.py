"""Final stages of the R-learner: closed forms, scikit-learn as a peer, invariances, hard inputs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from corelib.causal.final_stages import (
    ConstantEffect,
    LinearEffect,
    NetworkEffect,
    WeightedEffect,
    constant_effect,
    neighbourhood_features,
    r_loss,
)
from corelib.causal.graphs import mean_operator
from corelib.causal.simulation import r_bias, simulate_network_cate

pytestmark = [pytest.mark.ch04, pytest.mark.filterwarnings("ignore:.*have no neighbour")]

STAGES = {
    "constant": ConstantEffect(),
    "linear": LinearEffect(2),
    "linear without constant": LinearEffect(1, intercept=False),
    "tree": WeightedEffect(DecisionTreeRegressor(max_depth=3, random_state=0), 1),
    "mlp": NetworkEffect("mlp", epochs=20),
    "gcn": NetworkEffect("gcn", epochs=20),
    "sage": NetworkEffect("sage", epochs=20),
    "gat": NetworkEffect("gat", epochs=20),
}
each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
numbers = st.floats(-5, 5).map(lambda v: round(v, 3))
shares = st.floats(0.05, 0.95).map(lambda v: round(v, 3))


@pytest.fixture(scope="module")
def data():
    return simulate_network_cate("ba", 150, seed=1)


@pytest.fixture(scope="module")
def left(data):
    """Residuals by the true nuisances."""
    return data.y - data.m, data.t - data.e


def effect(stage, data, residuals):
    return clone(stage).fit(data, *residuals).effect(data)


# The loss and the constant


def test_the_loss_is_the_mean_square_of_what_the_effect_leaves():
    y, t = torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.5, -0.5, 0.25])
    assert r_loss(y, t, torch.tensor([2.0, 0.0, 4.0])).item() == pytest.approx((0 + 4 + 4) / 3)
    assert r_loss(y, t, 2.0).item() == pytest.approx((0 + 9 + 2.25) / 3)
    assert r_loss(y, t, 2.0, torch.tensor([True, False, True])).item() == pytest.approx(2.25 / 2)


def test_gradients_pass_through_the_loss(data, left):
    tau = torch.zeros(150, dtype=torch.float64, requires_grad=True)
    r_loss(*left, tau, data.train_mask).backward()
    y, t = left
    torch.testing.assert_close(tau.grad, torch.where(data.train_mask, -2 * y * t, 0.0) / data.train_mask.sum())


@given(shares, numbers, numbers)
def test_the_loss_exceeds_that_of_the_true_effect_by_the_overlap_times_the_squared_error(e, truth, tau):
    loss = 0.0
    for t, probability in ((1.0, e), (0.0, 1 - e)):
        residual = torch.tensor([t - e], dtype=torch.float64)
        loss += probability * r_loss(residual * truth, residual, tau).item()
    assert loss == pytest.approx(e * (1 - e) * (tau - truth) ** 2, abs=1e-12)


@pytest.mark.parametrize(
    ("e", "delta_e", "delta_m", "tau", "expected"),
    [(0.5, 0.1, 1.0, 2.0, 0.30769), (0.3, -0.15, 2.0, -1.0, -1.19355), (0.5, 0.0, 3.0, 2.0, 0.0)],
)
def test_errors_of_the_nuisances_move_the_constant_as_the_formula_says(e, delta_e, delta_m, tau, expected):
    t = (torch.arange(10) < 10 * e).double()  # of ten alike nodes exactly the share e is treated
    y = 7 + (t - e) * tau
    found = constant_effect(y - (7 - delta_m), t - (e - delta_e)).item()
    assert found - tau == pytest.approx(r_bias(delta_e, delta_m, tau, e).item(), abs=1e-12)
    assert found - tau == pytest.approx(expected, abs=5e-6)


@given(st.lists(st.tuples(numbers, st.floats(0.1, 0.9)), min_size=1, max_size=8), numbers)
def test_no_other_constant_has_a_smaller_loss(pairs, other):
    y, t = torch.tensor(pairs, dtype=torch.float64).T
    assert r_loss(y, t, constant_effect(y, t)) <= r_loss(y, t, other) + 1e-12


def test_the_constant_stage_counts_training_nodes_only(data, left):
    y, t = (values[data.train_mask] for values in left)
    found = effect(ConstantEffect(), data, left)
    torch.testing.assert_close(found, torch.full((150,), ((y * t).sum() / (t * t).sum()).item(), dtype=torch.float64))


# Linear effects


def test_neighbourhood_features_are_own_ones_then_means_of_neighbours_then_means_of_means(data):
    P = mean_operator(data.edge_index, 150).to_dense()
    torch.testing.assert_close(neighbourhood_features(data, 2), torch.cat([data.x, P @ data.x, P @ P @ data.x], 1))
    assert neighbourhood_features(data, 0) is data.x


@pytest.mark.parametrize("hops", [0, 1, 2])
def test_a_linear_effect_without_noise_is_found_exactly(data, left, hops):
    phi = neighbourhood_features(data, hops)
    w = torch.linspace(-1, 2, phi.shape[1], dtype=torch.float64)
    tau = phi @ w + 3
    stage = LinearEffect(hops, alpha=0.0).fit(data, left[1] * tau, left[1])
    torch.testing.assert_close(stage.coef_, w, rtol=0, atol=1e-9)
    assert stage.intercept_ == pytest.approx(3, abs=1e-9)
    torch.testing.assert_close(stage.effect(data), tau, rtol=0, atol=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.5, 20.0])
def test_a_penalised_linear_effect_is_weighted_ridge_regression_of_the_ratio(data, left, intercept, alpha):
    (y, t), mask = left, data.train_mask
    scaler = StandardScaler(with_mean=intercept).fit(data.x[mask])
    ridge = Ridge(alpha, fit_intercept=intercept)
    ridge.fit(scaler.transform(data.x[mask]), (y / t)[mask], sample_weight=t[mask] ** 2)
    found = effect(LinearEffect(0, intercept=intercept, alpha=alpha), data, left)
    torch.testing.assert_close(found, torch.from_numpy(ridge.predict(scaler.transform(data.x))), rtol=0, atol=1e-8)


@pytest.mark.parametrize("hops", [0, 2])
def test_weighted_least_squares_on_the_ratio_is_the_linear_effect_without_penalty(data, left, hops):
    weighted = effect(WeightedEffect(LinearRegression(), hops), data, left)
    torch.testing.assert_close(weighted, effect(LinearEffect(hops, alpha=0.0), data, left), rtol=0, atol=1e-8)


def test_without_a_constant_the_whole_mean_effect_is_lost_on_centred_features(data, left):
    centred = replace(data, x=data.x - data.x.mean(0))
    exact = left[1] * 2.0, left[1]
    lost = effect(LinearEffect(intercept=False, alpha=0.0), centred, exact)
    assert ((lost - 2) ** 2).mean() >= 4
    torch.testing.assert_close(effect(LinearEffect(), centred, exact), torch.full_like(data.y, 2.0))


def test_the_constant_of_a_linear_effect_bears_no_penalty(data, left):
    found = effect(LinearEffect(alpha=1e12), data, left)
    torch.testing.assert_close(found, effect(ConstantEffect(), data, left), rtol=1e-6, atol=1e-6)


def test_units_and_origin_of_the_features_do_not_matter(data, left):
    expected = effect(LinearEffect(1), data, left)
    moved = replace(data, x=1e6 + 250 * data.x)
    torch.testing.assert_close(effect(LinearEffect(1), moved, left), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_constant_and_repeated_features_do_no_harm(data, left, alpha):
    dull = torch.full((150, 1), 0.1, dtype=torch.float64)
    found = effect(LinearEffect(alpha=0.0), replace(data, x=torch.cat([data.x, dull, data.x], 1)), left)
    torch.testing.assert_close(found, effect(LinearEffect(alpha=0.0), data, left), rtol=0, atol=1e-8)
    found = effect(LinearEffect(alpha=alpha), replace(data, x=torch.cat([data.x, dull], 1)), left)
    torch.testing.assert_close(found, effect(LinearEffect(alpha=alpha), data, left), rtol=0, atol=1e-8)


# Every stage


@each_stage
def test_residuals_of_held_out_nodes_are_not_looked_at(data, left, stage):
    spoiled = [torch.where(data.test_mask, torch.nan, values) for values in left]
    assert torch.equal(effect(stage, data, left), effect(stage, data, spoiled))


@each_stage
def test_the_effect_has_the_units_of_the_outcome(data, left, stage):
    scaled = effect(stage, data, (1000 * left[0], left[1]))
    torch.testing.assert_close(scaled, 1000 * effect(stage, data, left), rtol=1e-3, atol=0.1)


@each_stage
def test_the_order_of_the_nodes_does_not_matter(data, left, stage):
    order = torch.from_numpy(np.random.default_rng(0).permutation(150))
    place = torch.argsort(order)
    columns = {name: getattr(data, name)[order] for name in ("x", "t", "y", "train_mask", "test_mask")}
    moved = replace(data, **columns, edge_index=place[data.edge_index], tau=None, m=None, e=None, floor=None)
    found = effect(stage, moved, [values[order] for values in left])
    torch.testing.assert_close(found, effect(stage, data, left)[order], rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["constant", "linear", "linear without constant", "tree"])
def test_to_call_the_untreated_treated_turns_the_effect_around(data, left, name):
    mirrored = effect(STAGES[name], data, (left[0], -left[1]))
    torch.testing.assert_close(mirrored, -effect(STAGES[name], data, left), rtol=0, atol=1e-8)


@each_stage
def test_a_fitted_stage_gives_effects_on_another_graph(data, left, stage):
    other = simulate_network_cate("ws", 90, seed=2)
    found = clone(stage).fit(data, *left).effect(other)
    assert found.shape == (90,) and found.dtype == torch.float64 and found.isfinite().all()


@each_stage
def test_a_stage_follows_scikit_learns_conventions(data, left, stage):
    copy = clone(stage)
    assert str(copy.get_params()) == str(stage.get_params())
    with pytest.raises(NotFittedError):
        copy.effect(data)
    assert copy.fit(data, *left) is copy
    first = copy.effect(data)
    assert torch.equal(copy.fit(data, *left).effect(data), first)


# Networks


def test_a_network_starts_from_the_constant(data, left):
    stage = NetworkEffect("sage", epochs=1, lr=1e-12).fit(data, *left)
    assert stage.history_[0].item() == pytest.approx(1, abs=0.05)
    assert stage.constant_ == pytest.approx(constant_effect(*left, data.train_mask).item())
    assert (stage.effect(data) - stage.constant_).square().mean() < 0.05 * stage.scale_**2


def test_too_strong_a_decay_leaves_the_constant(data, left):
    stage = NetworkEffect("sage", weight_decay=3.0).fit(data, *left)
    torch.testing.assert_close(stage.effect(data), torch.full_like(data.y, stage.constant_), rtol=0, atol=0.02)


def test_the_loss_that_is_recorded_is_the_r_loss_over_the_constants(data, left):
    stage = NetworkEffect("sage", epochs=31, weight_decay=0.01).fit(data, *left)
    before = NetworkEffect("sage", epochs=30, weight_decay=0.01).fit(data, *left).effect(data)
    base = r_loss(*left, stage.constant_, data.train_mask)
    assert stage.history_[30].item() == pytest.approx((r_loss(*left, before, data.train_mask) / base).item(), rel=1e-4)


def test_an_effect_that_is_constant_without_noise_is_found(data, left):
    found = effect(NetworkEffect("sage"), data, (-3.0 * left[1], left[1]))
    torch.testing.assert_close(found, torch.full_like(data.y, -3.0), rtol=0, atol=1e-3)


def test_only_a_network_that_sees_neighbours_learns_an_effect_that_they_carry():
    data = simulate_network_cate("ba", 500, seed=4)
    t = data.t - data.e
    errors = {}
    for kind in ("mlp", "sage"):
        found = effect(NetworkEffect(kind, weight_decay=0.01), data, (t * data.tau, t))
        errors[kind] = ((found - data.tau) ** 2)[data.test_mask].mean().item()
    assert errors["sage"] < 0.5 < 4 < errors["mlp"]


# Bad input


@pytest.mark.parametrize(
    ("y", "t", "mask", "message"),
    [
        (torch.ones(3), torch.ones(4), None, r"shapes \(3,\) and \(4,\); expected \(n,\) both"),
        (torch.ones(3, 1), torch.ones(3, 1), None, r"expected \(n,\) both"),
        (torch.tensor([1.0, torch.nan]), torch.ones(2), None, "y_residual holds 1 NaN or infinite"),
        (torch.ones(2), torch.tensor([torch.inf, 1.0]), None, "t_residual holds 1 NaN or infinite"),
        (torch.ones(2), torch.zeros(2), None, "t_residual is 0 at all 2 nodes"),
        (torch.ones(2), torch.ones(2), torch.zeros(2, dtype=torch.bool), "mask selects none of 2 nodes"),
        (torch.ones(2), torch.ones(2), torch.ones(2), "expected bool"),
    ],
)
def test_residuals_that_make_no_sense_are_refused(y, t, mask, message):
    with pytest.raises(ValueError, match=message):
        constant_effect(y, t, mask)
    with pytest.raises(ValueError, match=message):
        r_loss(y, t, 1.0, mask)


@pytest.mark.parametrize(("tau", "message"), [(torch.ones(3), "tau has shape"), (torch.nan, "finite effects")])
def test_effects_that_make_no_sense_have_no_loss(tau, message):
    with pytest.raises(ValueError, match=message):
        r_loss(torch.ones(2), torch.ones(2), tau)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (LinearEffect(alpha=-1.0), "alpha is -1.0"),
        (LinearEffect(alpha=float("nan")), "alpha is nan"),
        (LinearEffect(-1), "hops is -1; expected an integer >= 0"),
        (LinearEffect(0.5), "hops is 0.5"),
        (NetworkEffect("rnn"), "kind is 'rnn'"),
        (NetworkEffect(epochs=0), "epochs"),
    ],
)
def test_settings_out_of_range_are_refused(data, left, stage, message):
    with pytest.raises(ValueError, match=message):
        stage.fit(data, *left)


def test_a_ratio_over_zero_and_a_regressor_without_weights_are_refused(data, left):
    y, t = left
    zero = torch.where(torch.arange(150) == data.train_mask.nonzero()[0, 0], 0.0, t)
    with pytest.raises(ValueError, match="t_residual is 0 at 1 nodes"):
        WeightedEffect(LinearRegression()).fit(data, y, zero)
    with pytest.raises(TypeError, match="expected one whose fit takes sample_weight"):
        WeightedEffect(KNeighborsRegressor()).fit(data, y, t)
