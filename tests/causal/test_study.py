"""Studies: methods share nuisances, seeds are theirs, and what is computed is what the parts compute."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from corelib.causal import (
    ConstantEffect,
    LinearEffect,
    NetworkEffect,
    NodeFolds,
    cate_mse,
    closed_form_errors,
    compare_methods,
    cross_fit,
    error_table,
    hop_errors,
    r_score,
    residuals,
    simulate_network_cate,
)
from corelib.causal.study import BLIND, GRAPH_R_LEARNER, META_LEARNERS, METHODS, ORACLE

pytestmark = pytest.mark.ch04
FAST = {"constant": (ORACLE, ConstantEffect()), "graph": (ORACLE, LinearEffect(2))}


@pytest.fixture(scope="module")
def data():
    return simulate_network_cate("ba", n=150, seed=0)


def test_a_method_gets_what_its_parts_give_by_hand(data):
    found = compare_methods(data, {"mine": ("mlp", NetworkEffect("sage", epochs=5))}, judge="mlp", seed=3)
    left = residuals(data, cross_fit(data, kind="mlp", folds=NodeFolds(seed=3), seed=3))
    effect = NetworkEffect("sage", epochs=5, seed=3).fit(data, *left).effect(data)
    assert torch.equal(found.effects["mine"], effect)
    assert found.errors["mine"] == cate_mse(effect, data.tau, data.test_mask)
    assert found.r_scores["mine"] == r_score(*left, effect, data.test_mask)
    assert found.variance == pytest.approx(data.tau[data.test_mask].var(correction=0).item())


def test_estimators_given_are_left_as_they_are_and_meta_learners_join_in(data):
    final, learner = NetworkEffect("mlp", epochs=2), META_LEARNERS["T-learner"]
    methods = {"net": (ORACLE, final)}
    found = compare_methods(data, methods, meta_learners={"T-learner": learner}, judge=ORACLE, seed=9)
    assert list(found.errors) == ["net", "T-learner"] == list(found.r_scores)
    assert final.seed == 0 and not hasattr(final, "network_") and not hasattr(learner, "networks_")


def test_the_table_has_one_error_a_seed_in_their_order():
    table = error_table(lambda seed: simulate_network_cate("ws", n=80, seed=seed), (4, 2), FAST)
    assert set(table) == {"constant", "graph", "variance"}
    for row, seed in enumerate((4, 2)):
        drawn = simulate_network_cate("ws", n=80, seed=seed)
        assert table["graph"][row] == compare_methods(drawn, FAST, seed=seed).errors["graph"]
        assert table["variance"][row] == pytest.approx(drawn.tau[drawn.test_mask].var(correction=0).item())


def test_blind_methods_do_not_look_at_the_graph(data):
    other = replace(data, edge_index=simulate_network_cate("ws", n=150, seed=1).edge_index)
    for name in BLIND:
        final = METHODS[name][1]
        left = data.y - data.m, data.t - data.e
        one, two = (final.fit(d, *left).effect(d) for d in (data, other))
        assert torch.equal(one, two), name


def test_closed_forms_need_the_graph_twice_where_effect_and_confounder_sit_with_neighbours():
    seeds = range(6)
    errors = [closed_form_errors(simulate_network_cate("ba", n=500, baseline="simple", seed=s), seed=s) for s in seeds]
    mean = {key: np.mean([e[key] for e in errors]) for key in errors[0]}
    assert set(mean) == {(a, b) for a in ("blind", "graph") for b in ("blind", "graph")}
    assert mean["graph", "graph"] < mean["blind", "graph"] < mean["graph", "blind"]
    assert mean["graph", "blind"] > 4


def test_the_error_goes_once_the_hop_of_the_effect_is_seen():
    for hops, effect in enumerate(("local", "neighbour", "two_hop", "three_hop")):
        errors = hop_errors(lambda s, e=effect: simulate_network_cate("ba", effect=e, seed=s), range(3))
        assert errors.shape == (4,) and errors[hops] < 0.5
        assert all(errors[:hops] > 0.7)


def test_what_cannot_be_scored_is_refused(data):
    with pytest.raises(ValueError, match="no tau or no held-out nodes"):
        compare_methods(replace(data, tau=None))
    with pytest.raises(ValueError, match="methods is empty"):
        compare_methods(data, {})
    with pytest.raises(ValueError, match="no m or no e"):
        compare_methods(replace(data, m=None), FAST, judge=ORACLE)
    with pytest.raises(ValueError, match="data has no tau"):
        closed_form_errors(replace(data, tau=None))


@pytest.mark.slow
def test_the_graph_r_learner_goes_below_the_floor_and_blind_final_stages_do_not():
    table = error_table(lambda s: simulate_network_cate("ba", seed=s), range(3))
    floor = np.mean([simulate_network_cate("ba", seed=s).floor.mean() for s in range(3)])
    assert min(np.mean(table[name]) for name in BLIND) > 4.0
    assert np.mean(table[GRAPH_R_LEARNER]) < 2.2 < floor
    assert all(np.array(table[GRAPH_R_LEARNER]) < np.min([table[name] for name in BLIND], axis=0))
