"""T- and S-learners: arms do not mix, and a node's own flip is not everybody's."""

from dataclasses import replace

import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from corelib.causal.diagnostics import cate_mse
from corelib.causal.graphs import gcn_operator
from corelib.causal.meta_learners import NetworkSLearner, NetworkTLearner, treatment_contrast
from corelib.causal.networks import build_networks, train_networks
from corelib.causal.simulation import simulate_network_cate

pytestmark = [pytest.mark.ch04, pytest.mark.filterwarnings("ignore:.*have no neighbour")]

LEARNERS = {
    "T": NetworkTLearner(epochs=30),
    "T, gat": NetworkTLearner("gat", epochs=5),
    "S, unit": NetworkSLearner(epochs=30),
    "S, global": NetworkSLearner(flip="global", epochs=30),
    "S, gat": NetworkSLearner("gat", flip="global", epochs=5),
}
each_learner = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


@pytest.fixture(scope="module")
def data():
    return simulate_network_cate("ba", 100, seed=1)


def effect(learner, data):
    return clone(learner).fit(data).effect()


# T-learner


def test_a_network_of_the_t_learner_is_one_trained_on_its_arm_alone(data):
    found = NetworkTLearner(epochs=10).fit(data)
    both = build_networks("sage", 2, 8).separate()
    for arm in (0, 1):
        nodes = data.train_mask & (data.t == arm)
        mean, spread = data.y[nodes].mean(), data.y[nodes].std(correction=0)
        target = ((data.y - mean) / spread).float()
        network = type(both)([both.networks[arm]])
        train_networks(
            network,
            data.x,
            data.edge_index,
            lambda out, target=target: (out - target) ** 2,
            nodes[None],
            epochs=10,
            weight_decay=1e-1,
        )
        expected = mean + spread * network(data.x, data.edge_index)[0].detach().double()
        torch.testing.assert_close(found.outcomes()[arm], expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(found.effect(), found.outcomes()[1] - found.outcomes()[0])


def test_outcomes_of_one_arm_do_not_reach_the_other_ones_network(data):
    before = NetworkTLearner(epochs=10).fit(data).outcomes()
    other = replace(data, y=torch.where(data.t == 1, data.y**2, data.y))
    after = NetworkTLearner(epochs=10).fit(other).outcomes()
    assert torch.equal(before[0], after[0])
    assert (before[1] - after[1]).abs().max() > 0.1


def test_a_bonus_for_the_treated_is_added_to_every_effect(data):
    bonus = replace(data, y=data.y + 64 * data.t)
    torch.testing.assert_close(
        effect(NetworkTLearner(), bonus), effect(NetworkTLearner(), data) + 64, rtol=0, atol=1e-3
    )


# S-learner


def star(leaves=4):
    hub, ends = torch.zeros(leaves, dtype=torch.int64), torch.arange(1, leaves + 1)
    return gcn_operator(torch.stack([torch.cat([hub, ends]), torch.cat([ends, hub])]), leaves + 1).to_dense()


def test_on_a_star_a_linear_network_tells_a_nodes_own_flip_from_everybodys():
    squared = star() @ star()
    w, others = 3.0, torch.tensor([1.0, 0, 1, 1, 0], dtype=torch.float64)

    def predict(treatments):
        return 5 + w * treatments @ squared.T

    own = treatment_contrast(predict, others)
    everybody = treatment_contrast(predict, others, flip="global")
    torch.testing.assert_close(own, w * squared.diagonal())
    torch.testing.assert_close(everybody, w * squared.sum(1))
    assert own[0].item() == pytest.approx(3 * 0.44) and own[1].item() == pytest.approx(3 * 0.35)
    assert everybody[0].item() == pytest.approx(3 * 1.32544, abs=1e-4)
    assert everybody[1].item() == pytest.approx(3 * 0.87136, abs=1e-4)
    assert (everybody / own)[0].item() == pytest.approx(3.01, abs=0.005)


def test_the_others_keep_their_treatments_while_a_nodes_own_is_changed():
    def predict(treatments):  # a node gains by its treatment as many units as others are treated
        return treatments * (treatments.sum(1, keepdim=True) - treatments)

    t = torch.tensor([1.0, 0, 1, 1])
    assert treatment_contrast(predict, t).tolist() == [2, 3, 2, 2]
    assert treatment_contrast(predict, t, flip="global").tolist() == [3, 3, 3, 3]
    assert t.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_how_many_nodes_are_flipped_at_once_does_not_matter(data, batch):
    def predict(treatments):
        return (treatments @ torch.ones(100, 100).tril()) ** 2

    t = data.t.float()
    torch.testing.assert_close(treatment_contrast(predict, t, batch=batch), treatment_contrast(predict, t))


def test_flips_agree_for_a_network_that_is_blind_to_the_graph_and_differ_for_one_that_is_not(data):
    for kind, agree in (("mlp", True), ("sage", False)):
        own = NetworkSLearner(kind, epochs=30).fit(data)
        everybody = clone(own).set_params(flip="global").fit(data)
        assert torch.allclose(own.effect(), everybody.effect(), atol=1e-4) == agree


def test_the_s_learner_predicts_with_the_treatments_it_says_it_does(data):
    learner = NetworkSLearner(epochs=30).fit(data)
    t = torch.where(data.train_mask, data.t, data.t[data.train_mask].mean())
    for node in (0, 17, 99):
        outcomes = []
        for own in (1.0, 0.0):
            t_changed = torch.where(torch.arange(100) == node, own, t)
            inputs = torch.cat([data.x, t_changed[:, None]], 1)
            outcomes.append(learner.network_(inputs, data.edge_index)[0, node].item())
        expected = learner.spread_.item() * (outcomes[0] - outcomes[1])
        assert learner.effect()[node].item() == pytest.approx(expected, abs=1e-4)


# Both


@each_learner
def test_treatments_and_outcomes_of_held_out_nodes_change_exactly_nothing(data, learner):
    other = replace(
        data, y=torch.where(data.test_mask, data.y + 100, data.y), t=torch.where(data.test_mask, 1 - data.t, data.t)
    )
    assert torch.equal(effect(learner, data), effect(learner, other))


@each_learner
def test_a_shift_of_the_outcome_leaves_the_effect_and_a_scale_scales_it(data, learner):
    moved = effect(learner, replace(data, y=1e6 + 50 * data.y))
    torch.testing.assert_close(moved, 50 * effect(learner, data), rtol=0, atol=0.05)


@each_learner
def test_the_learner_follows_scikit_learns_conventions(data, learner):
    copy = clone(learner)
    assert copy.get_params() == learner.get_params()
    with pytest.raises(NotFittedError):
        copy.effect()
    assert copy.fit(data) is copy
    found = copy.effect()
    assert found.shape == (100,) and found.dtype == torch.float64
    assert torch.equal(found, copy.effect(data)) and torch.equal(found, effect(learner, data))
    assert copy.effect(simulate_network_cate("ws", 60, seed=2)).isfinite().all()


@pytest.mark.parametrize("learner", [NetworkTLearner(), NetworkSLearner()], ids=["T", "S"])
def test_an_effect_that_neighbours_carry_is_found_in_part(learner):
    data = simulate_network_cate("ba", 300, baseline="simple", treat_logit=0.0, noise=0.3, seed=0)
    assert cate_mse(effect(learner, data), data.tau, data.test_mask) < 0.5 * data.tau[data.test_mask].var()


@pytest.mark.parametrize("learner", [NetworkTLearner(), NetworkSLearner()], ids=["T", "S"])
def test_a_constant_outcome_has_no_effect(data, learner):
    found = effect(learner, replace(data, y=torch.full_like(data.y, 7.0)))
    torch.testing.assert_close(found, torch.zeros_like(found), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (NetworkTLearner("rnn"), "kind is 'rnn'"),
        (NetworkTLearner(epochs=0), "epochs"),
        (NetworkSLearner(flip="both"), "flip is 'both'; expected one of unit, global"),
        (NetworkSLearner(seed=-1), "seed is -1"),
    ],
)
def test_settings_out_of_range_are_refused(data, learner, message):
    with pytest.raises(ValueError, match=message):
        learner.fit(data)


def test_a_contrast_needs_a_known_flip_a_batch_and_one_treatment_a_node():
    for t, settings, message in (
        (torch.ones(3), {"flip": "all"}, "flip is 'all'"),
        (torch.ones(3), {"batch": 0}, "batch is 0"),
        (torch.ones(3, 1), {}, r"t has shape \(3, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            treatment_contrast(lambda treatments: treatments, t, **settings)
