"""The R-learner from end to end: it is the sum of its parts, nothing leaks, and it finds what it should."""

from dataclasses import replace

import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from corelib.causal.diagnostics import cate_mse, r_score
from corelib.causal.final_stages import ConstantEffect, LinearEffect, NetworkEffect, constant_effect
from corelib.causal.folds import NodeFolds
from corelib.causal.nuisances import Nuisances, cross_fit
from corelib.causal.r_learner import GraphRLearner, residuals
from corelib.causal.simulation import simulate_network_cate

pytestmark = [pytest.mark.ch04, pytest.mark.filterwarnings("ignore:.*have no neighbour")]


@pytest.fixture(scope="module")
def data():
    return simulate_network_cate("ba", 150, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    return GraphRLearner(folds=NodeFolds(3)).fit(data)


def oracle(data):
    return Nuisances(data.m, data.e, torch.zeros(len(data.y), dtype=torch.int64))


def test_residuals_are_what_the_nuisances_leave(data):
    y, t = residuals(data, oracle(data))
    assert torch.equal(y, data.y - data.m) and torch.equal(t, data.t - data.e)


def test_with_true_nuisances_outcome_and_treatment_residuals_leave_noise_alone():
    data = simulate_network_cate("ba", 150, noise=0.0, seed=1)
    y, t = residuals(data, oracle(data))
    torch.testing.assert_close(y, t * data.tau)


def test_the_learner_is_nuisances_residuals_and_a_final_stage(data, fitted):
    nuisances = cross_fit(data, kind="sage", folds=NodeFolds(3))
    assert torch.equal(fitted.nuisances_.m_hat, nuisances.m_hat)
    by_hand = NetworkEffect("sage").fit(data, *residuals(data, nuisances)).effect(data)
    assert torch.equal(fitted.effect(), by_hand)
    assert torch.equal(fitted.effect(data), by_hand)


def test_final_stages_can_share_nuisances(data, fitted):
    shared = fitted.nuisances_
    learner = GraphRLearner(final=ConstantEffect()).fit(data, shared)
    assert learner.nuisances_ is shared
    expected = constant_effect(*residuals(data, shared), data.train_mask).item()
    assert learner.effect().unique().tolist() == [expected]


def test_what_is_given_is_left_as_it_is(data, fitted):
    final = LinearEffect(1)
    learner = GraphRLearner(final=final).fit(data, fitted.nuisances_)
    assert not hasattr(final, "coef_") and hasattr(learner.final_, "coef_")
    assert clone(learner).get_params()["final__hops"] == 1
    assert clone(learner).set_params(final__hops=2).final.hops == 2 and final.hops == 1


def test_the_score_is_the_r_score_of_the_held_out_nodes(data, fitted):
    rest = residuals(data, fitted.nuisances_)
    assert fitted.score() == r_score(*rest, fitted.effect(), data.test_mask)
    assert fitted.score(data.train_mask) == r_score(*rest, fitted.effect(), data.train_mask)


@pytest.mark.parametrize("final", ["sage", LinearEffect(1)], ids=["network", "linear"])
def test_treatments_and_outcomes_of_held_out_nodes_change_exactly_nothing(data, final):
    learner = GraphRLearner(final=final, folds=NodeFolds(3))
    other = replace(
        data, y=torch.where(data.test_mask, data.y + 100, data.y), t=torch.where(data.test_mask, 1 - data.t, data.t)
    )
    assert torch.equal(learner.fit(data).effect(), learner.fit(other).effect())


def test_a_shift_of_the_outcome_leaves_the_effect_and_a_scale_scales_it(data, fitted):
    moved = clone(fitted).fit(replace(data, y=1e4 + 50 * data.y)).effect()
    torch.testing.assert_close(moved, 50 * fitted.effect(), rtol=0, atol=0.2)


def test_seeds_decide_and_only_they(data, fitted):
    assert torch.equal(clone(fitted).fit(data).effect(), fitted.effect())
    assert not torch.equal(GraphRLearner(folds=NodeFolds(3), seed=1).fit(data).effect(), fitted.effect())


def test_sight_of_neighbours_in_the_final_stage_and_in_the_nuisances_pays():
    data = simulate_network_cate("ba", 600, seed=0)
    errors = {}
    for nuisance in ("mlp", "sage"):
        nuisances = cross_fit(data, kind=nuisance)
        for name, hops in (("blind", 0), ("graph", 1)):
            found = GraphRLearner(final=LinearEffect(hops)).fit(data, nuisances).effect()
            errors[nuisance, name] = cate_mse(found, data.tau, data.test_mask)
        assert errors[nuisance, "blind"] > 4.0
    assert errors["sage", "graph"] < 2.2 and errors["sage", "graph"] < 0.8 * errors["mlp", "graph"]


def test_an_unfitted_learner_and_nuisances_of_other_nodes_are_refused(data):
    with pytest.raises(NotFittedError):
        GraphRLearner().effect()
    with pytest.raises(NotFittedError):
        GraphRLearner().score()
    other = oracle(simulate_network_cate("ba", 60, seed=0))
    with pytest.raises(ValueError, match="nuisances are of 60 nodes; expected 150"):
        GraphRLearner().fit(data, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"nuisance": "rnn"}, "kind is 'rnn'"), ({"final": "rnn"}, "kind is 'rnn'"), ({"seed": -1}, "seed is -1")],
)
def test_settings_out_of_range_are_refused(data, settings, message):
    with pytest.raises(ValueError, match=message):
        GraphRLearner(**settings).fit(data)
