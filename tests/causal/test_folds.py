"""Folds of nodes: even, seeded, blind to treatments, and refused where a model would see one arm only."""

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.causal.folds import NodeFolds, check_folds
from corelib.causal.graphs import make_graph

pytestmark = pytest.mark.ch04


def nodes(n=200, seed=0, treated=0.4):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random(n) < 0.7), torch.from_numpy((rng.random(n) < treated).astype(float))


def cut_edges(graph, fold):
    """Share of edges between two folds."""
    return (fold[graph[0]] != fold[graph[1]]).double().mean().item()


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 7), st.integers(0, 99))
def test_random_folds_are_as_even_as_can_be_among_training_and_other_nodes(n_splits, seed):
    train_mask, t = nodes(203, seed)
    fold = NodeFolds(n_splits, seed=seed).assign(make_graph("ws", 203, seed=0), train_mask, t)
    assert fold.dtype == torch.int64 and fold.shape == (203,)
    for part in (train_mask, ~train_mask):
        sizes = torch.bincount(fold[part], minlength=n_splits)
        assert len(sizes) == n_splits and sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("mode", ["random", "cluster"])
def test_a_seed_fixes_the_folds_and_treatments_do_not_touch_them(mode):
    graph, (train_mask, t) = make_graph("ba", 200, seed=1), nodes()
    first = NodeFolds(4, mode, seed=3).assign(graph, train_mask, t)
    assert torch.equal(first, NodeFolds(4, mode, seed=3).assign(graph, train_mask, 1 - t))
    assert not torch.equal(first, NodeFolds(4, mode, seed=4).assign(graph, train_mask, t))


@pytest.mark.parametrize("kind", ["ba", "er", "ws", "sbm"])
def test_clusters_cut_fewer_edges_and_are_nearly_even(kind):
    graph, (train_mask, t) = make_graph(kind, 400, mean_degree=6, seed=0), nodes(400)
    random, cluster = (NodeFolds(5, mode).assign(graph, train_mask, t) for mode in ("random", "cluster"))
    assert cut_edges(graph, random) == pytest.approx(0.8, abs=0.05)
    assert cut_edges(graph, cluster) < 0.68
    sizes = torch.bincount(cluster[train_mask], minlength=5)
    assert sizes.max() - sizes.min() <= 40  # half a fold


def test_separate_communities_stay_whole():
    cliques = nx.disjoint_union_all([nx.complete_graph(4)] * 12)
    edges = torch.tensor(list(cliques.edges)).T
    graph = torch.cat([edges, edges.flip(0)], 1)
    t = torch.tensor([0.0, 1.0, 0.0, 1.0] * 12)
    fold = NodeFolds(3, "cluster").assign(graph, torch.ones(48, dtype=torch.bool), t)
    assert cut_edges(graph, fold) == 0
    assert torch.bincount(fold).tolist() == [16, 16, 16]


@pytest.mark.parametrize("edges", [[], list(nx.complete_graph(30).edges)])
def test_graphs_without_communities_have_clusters_too(edges):
    half = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    t = torch.tensor([0.0, 1.0] * 15)
    fold = NodeFolds(2, "cluster", seed=1).assign(torch.cat([half, half.flip(0)], 1), torch.ones(30, dtype=bool), t)
    assert torch.bincount(fold).tolist() == [15, 15]


def test_a_fold_with_one_arm_is_refused_by_name():
    fold, t = torch.tensor([0, 0, 1, 1]), torch.tensor([0.0, 1.0, 1.0, 1.0])
    everyone = torch.ones(4, dtype=torch.bool)
    with pytest.raises(ValueError, match="fold 1 has 2 treated of 2"):
        check_folds(fold, everyone, t)
    with pytest.raises(ValueError, match="fold 1 has 0 treated of 2"):
        check_folds(fold, everyone, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    with pytest.raises(ValueError, match="fold 2 has 0 treated of 0"):
        check_folds(fold, everyone, torch.tensor([0.0, 1.0, 0.0, 1.0]), n_splits=3)
    with pytest.raises(ValueError, match="has 1 treated of 1 training"):  # an arm among held-out nodes does not count
        check_folds(fold, torch.tensor([True, True, True, False]), torch.tensor([0.0, 1.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match="0 treated"):
        NodeFolds(2).assign(make_graph("ws", 20, mean_degree=2, seed=0), torch.ones(20, dtype=bool), torch.zeros(20))


def test_held_out_treatments_may_be_unknown():
    t = torch.tensor([0.0, 1.0, 0.0, 1.0, torch.nan])
    fold = torch.tensor([0, 0, 1, 1, 0])
    known = ~torch.isnan(t)
    assert torch.equal(check_folds(fold, known, t), fold)
    with pytest.raises(ValueError, match="t holds nan"):
        check_folds(fold, torch.ones(5, dtype=torch.bool), t)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_splits": 1}, "n_splits is 1"),
        ({"n_splits": 2.5}, "n_splits is 2.5"),
        ({"mode": "edges"}, "mode is 'edges'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_rules_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NodeFolds(**arguments)


def test_bad_nodes_are_refused():
    graph, (train_mask, t) = make_graph("ba", 200, seed=1), nodes()
    with pytest.raises(ValueError, match=r"t has shape \(199,\)"):
        NodeFolds().assign(graph, train_mask, t[1:])
    with pytest.raises(ValueError, match="t holds 2"):
        NodeFolds().assign(graph, train_mask, t + 1)
    with pytest.raises(ValueError, match="bool"):
        NodeFolds().assign(graph, train_mask.float(), t)
    with pytest.raises(ValueError, match="names node"):
        NodeFolds().assign(graph, train_mask[:150], t[:150])
    with pytest.raises(ValueError, match="n_splits is 5; expected at most 4"):
        NodeFolds(5, "cluster").assign(graph[:, :0], train_mask[:8], t[:8])
    with pytest.raises(TypeError, match="expected integers"):
        check_folds(torch.zeros(200), train_mask, t)
    with pytest.raises(ValueError, match="fold holds -1"):
        check_folds(torch.arange(200) % 3 - 1, train_mask, t)
    with pytest.raises(ValueError, match="two or more"):
        check_folds(torch.zeros(200, dtype=torch.int64), train_mask, t)
