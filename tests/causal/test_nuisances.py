"""Cross-fitting: nothing leaks from a fold to its own predictions, exactly; and what the networks find out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from torch.nn.functional import binary_cross_entropy_with_logits

from corelib.causal.folds import NodeFolds
from corelib.causal.graphs import mean_operator, propagate
from corelib.causal.networks import build_networks, train_networks
from corelib.causal.nuisances import Nuisances, cross_fit, cross_fit_sklearn
from corelib.causal.simulation import simulate_network_cate

pytestmark = [pytest.mark.ch04, pytest.mark.filterwarnings("ignore:.*have no neighbour")]


@pytest.fixture(scope="module")
def data():
    return simulate_network_cate("ba", 120, seed=3)


def networks(data, kind="sage", **kwargs):
    return cross_fit(data, kind=kind, **{"epochs": 8, "folds": NodeFolds(3)} | kwargs)


def regressions(data, **kwargs):
    own = data.x
    around = propagate(mean_operator(data.edge_index, len(own)), own, 1)[1]
    return cross_fit_sklearn(data, LinearRegression(), LogisticRegression(), torch.cat([own, around], 1), **kwargs)


def disturbed(data, nodes):
    """Other outcomes and treatments at these nodes."""
    return replace(data, y=torch.where(nodes, data.y + 100, data.y), t=torch.where(nodes, 1 - data.t, data.t))


def moved(first, second, nodes):
    """Largest changes of m_hat and e_hat over these nodes."""
    changes = ((first.m_hat - second.m_hat)[nodes].abs(), (first.e_hat - second.e_hat)[nodes].abs())
    return [c.max().item() for c in changes]


FITS = [lambda d, k=k, **a: networks(d, k, **a) for k in ("mlp", "gcn", "sage", "gat")] + [regressions]
FIT_NAMES = ["mlp", "gcn", "sage", "gat", "sklearn"]


@pytest.mark.parametrize("fit", FITS, ids=FIT_NAMES)
@pytest.mark.parametrize("mode", ["random", "cluster"])
def test_a_folds_own_outcomes_and_treatments_change_its_predictions_by_exactly_nothing(data, fit, mode):
    folds = NodeFolds(3, mode)
    before = fit(data, folds=folds)
    own = before.fold == 0
    after = fit(disturbed(data, own), folds=folds)
    assert torch.equal(before.fold, after.fold)
    assert moved(before, after, own) == [0.0, 0.0]
    m_moved, e_moved = moved(before, after, ~own)
    assert m_moved > 1 and e_moved > 1e-4


@pytest.mark.parametrize("fit", FITS, ids=FIT_NAMES)
def test_outcomes_and_treatments_of_held_out_nodes_change_exactly_nothing(data, fit):
    before, after = fit(data), fit(disturbed(data, data.test_mask))
    assert torch.equal(before.m_hat, after.m_hat) and torch.equal(before.e_hat, after.e_hat)
    assert torch.equal(before.fold, after.fold)


def test_without_folds_every_node_is_predicted_from_its_own_outcome(data):
    before = networks(data, folds=None)
    fold = networks(data).fold == 0
    assert min(moved(before, networks(disturbed(data, fold), folds=None), fold)) > 1e-4
    assert before.fold.unique().tolist() == [0]


def test_predictions_are_those_of_a_network_trained_by_hand_on_the_other_folds(data):
    found = networks(data, folds=NodeFolds(2), epochs=12, clip=(0, 1))
    own, learn = found.fold == 1, data.train_mask & (found.fold == 0)
    mean, spread = data.y[learn].mean(), data.y[learn].std(correction=0)
    by_hand = build_networks("sage", 4, 8).separate()  # outcome of folds 0 and 1, treatment of folds 0 and 1
    y, t = ((data.y - mean) / spread).float(), data.t.float()
    for m, loss in (
        (1, lambda out: (out - y) ** 2),
        (3, lambda out: binary_cross_entropy_with_logits(out, t[None], reduction="none")),
    ):
        network = type(by_hand)([by_hand.networks[m]])
        train_networks(network, data.x, data.edge_index, loss, learn[None], epochs=12, weight_decay=3e-2)
    outputs = by_hand(data.x, data.edge_index).detach().double()
    torch.testing.assert_close(found.m_hat[own], (mean + spread * outputs[1])[own], rtol=0, atol=1e-5)
    torch.testing.assert_close(found.e_hat[own], outputs[3].sigmoid()[own], rtol=0, atol=1e-5)


def test_scikit_learn_agrees_where_it_can_do_the_same(data):
    everyone = replace(data, train_mask=torch.ones_like(data.train_mask), test_mask=torch.zeros_like(data.test_mask))
    found = cross_fit_sklearn(everyone, LinearRegression(), LogisticRegression(), data.x, clip=(0, 1))
    x, y, t = data.x.numpy(), data.y.numpy(), data.t.numpy().astype(int)
    split = PredefinedSplit(found.fold.numpy())
    assert np.array_equal(found.m_hat, cross_val_predict(LinearRegression(), x, y, cv=split))
    probability = cross_val_predict(LogisticRegression(), x, t, cv=split, method="predict_proba")
    assert np.array_equal(found.e_hat, probability[:, 1])


def test_a_shift_and_a_scale_of_the_outcome_pass_through(data):
    before, after = networks(data), networks(replace(data, y=1e6 + 50 * data.y))
    torch.testing.assert_close(after.m_hat, 1e6 + 50 * before.m_hat, rtol=0, atol=1e-2)
    torch.testing.assert_close(after.e_hat, before.e_hat)


def test_a_constant_outcome_is_expected_everywhere(data):
    found = networks(replace(data, y=torch.full_like(data.y, 7.0)), epochs=100)
    torch.testing.assert_close(found.m_hat, torch.full_like(data.y, 7.0), rtol=0, atol=0.05)


def test_given_folds_are_used_as_they_are(data):
    fold = torch.arange(120) % 4
    found = networks(data, folds=fold)
    assert torch.equal(found.fold, fold)
    assert torch.equal(found.m_hat, networks(data, folds=fold).m_hat)
    assert not torch.equal(found.m_hat, networks(data, folds=fold, seed=1).m_hat)


def test_networks_over_the_graph_find_what_an_mlp_cannot():
    study = simulate_network_cate("sbm", 800, seed=0)
    errors = {}
    for kind in ("mlp", "sage"):
        found = cross_fit(study, kind=kind)
        m_error, e_error = found.m_hat - study.m, found.e_hat - study.e
        errors[kind] = ((m_error**2).mean() / study.m.var(), (e_error**2).mean() / study.e.var())
        assert found.e_hat.min() >= 0.02 and found.e_hat.max() <= 0.98
    assert errors["sage"][0] < 0.6 * errors["mlp"][0] and errors["sage"][1] < 0.5 * errors["mlp"][1]


def test_networks_that_saw_a_node_fit_its_noise():
    study = simulate_network_cate("ba", 400, seed=0)
    residuals = {}
    for name, folds in (("crossed", NodeFolds()), ("not crossed", None)):
        found = cross_fit(study, folds=folds, weight_decay=0.0, epochs=150)
        residuals[name] = ((study.t - found.e_hat)[study.train_mask] ** 2).mean().item()
    assert residuals["not crossed"] < 0.1 < residuals["crossed"]


def test_clipping_bounds_the_probabilities(data):
    found = networks(data, epochs=100, weight_decay=0.0, clip=(0.3, 0.4))
    assert found.e_hat.min() == 0.3 and found.e_hat.max() == 0.4
    for clip in ((0.4, 0.3), (-0.1, 0.5), (0.5, 1.1), (0.2,)):
        with pytest.raises(ValueError, match="clip is"):
            networks(data, clip=clip)


def test_probabilities_of_zero_or_one_are_refused():
    m, fold = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.int64)
    for bad in (0.0, 1.0, torch.nan):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            Nuisances(m, torch.tensor([0.5, bad, 0.5], dtype=torch.float64), fold)
    with pytest.raises(ValueError, match="m_hat holds NaN"):
        Nuisances(m + torch.inf, m + 0.5, fold)
    with pytest.raises(ValueError, match=r"shapes \[\(3,\), \(2,\), \(3,\)\]"):
        Nuisances(m, m[:2] + 0.5, fold)


def test_bad_folds_and_features_are_refused(data):
    with pytest.raises(ValueError, match="fold 0 has 0 treated"):
        networks(data, folds=data.t.long())
    with pytest.raises(ValueError, match=r"fold has shape \(119,\)"):
        networks(data, folds=torch.arange(119) % 2)
    with pytest.raises(ValueError, match="kind is 'forest'"):
        networks(data, "forest")
    for features in (data.x[:100], data.x[:, 0], data.x * torch.nan):
        with pytest.raises(ValueError, match="features has shape"):
            cross_fit_sklearn(data, LinearRegression(), LogisticRegression(), features)
