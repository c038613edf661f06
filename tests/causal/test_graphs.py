"""Graphs: every generator at its mean degree, the two operators by hand and against dense algebra and PyG, refusals."""

import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from corelib.causal.graphs import (
    KINDS,
    check_graph,
    degrees,
    gcn_operator,
    make_graph,
    mean_operator,
    propagate,
)

pytestmark = pytest.mark.ch04

STAR = torch.tensor([[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 0, 0, 0, 0]])


def dense_adjacency(edge_index, n):
    return torch.zeros(n, n, dtype=torch.float64).index_put((edge_index[0], edge_index[1]), torch.ones(1).double())


@st.composite
def graphs(draw):
    """A small simple graph without isolated nodes to order, as (edge_index in any order, n)."""
    n = draw(st.integers(1, 9))
    pairs = [(i, j) for i in range(n) for j in range(i)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    both = draw(st.permutations([*chosen, *((j, i) for i, j in chosen)]))
    return torch.tensor(both, dtype=torch.int64).reshape(-1, 2).T, n


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "mean_degree"), [(801, 4), (1200, 10)])
def test_every_kind_has_its_mean_degree(kind, n, mean_degree):
    edge_index = make_graph(kind, n, mean_degree=mean_degree, seed=1)
    expected = mean_degree - (mean_degree**2 / (2 * n) if kind == "ba" else 0)
    # Edges of a random graph vary like a Poisson number; five standard deviations of 2E / n.
    tolerance = 5 * 2 * np.sqrt(n * mean_degree / 2) / n if kind in ("er", "sbm") else 1e-12
    assert edge_index.shape[1] / n == pytest.approx(expected, abs=tolerance)


def test_attachment_makes_hubs_and_a_regular_graph_has_none():
    assert degrees(make_graph("ba", 800, seed=0), 800).max() > 60
    assert degrees(make_graph("er", 800, seed=0), 800).max() < 30
    assert (degrees(make_graph("regular", 800, seed=0), 800) == 8).all()


@pytest.mark.parametrize("n", [400, 402])
def test_a_tenth_of_the_edges_of_a_block_model_cross(n):
    blocks = torch.arange(4).repeat_interleave(torch.tensor([n // 4 + (i < n % 4) for i in range(4)]))
    crossing = [
        (blocks[edges[0]] != blocks[edges[1]]).double().mean().item()
        for edges in (make_graph("sbm", n, seed=seed) for seed in range(20))
    ]
    # About 1600 edges a graph; four standard deviations of the mean of twenty.
    assert np.mean(crossing) == pytest.approx(0.1, abs=4 * 0.3 / np.sqrt(1600 * 20))


def test_edges_within_a_block_are_as_likely_as_networkx_makes_them():
    ours = [degrees(make_graph("sbm", 200, seed=seed), 200).double().var().item() for seed in range(30)]
    within, across = 0.9 * 8 / 49, 0.1 * 8 / 150
    probabilities = np.where(np.eye(4), within, across)
    theirs = [
        np.var([d for _, d in nx.stochastic_block_model([50] * 4, probabilities, seed=seed).degree], ddof=1)
        for seed in range(30)
    ]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=4 * np.sqrt((np.var(ours) + np.var(theirs)) / 30))


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_about_the_graph(kind):
    first, again, other = (make_graph(kind, 200, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_making_a_graph_leaves_the_global_generators_alone():
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    for kind in KINDS:
        make_graph(kind, 60, seed=0)
    assert (np.random.get_state()[1] == before[0]).all()
    assert torch.equal(torch.get_rng_state(), before[1])


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_checking_sorts_and_keeps_every_edge(graph):
    edge_index, n = graph
    found = check_graph(edge_index, n)
    assert found.T.tolist() == sorted(edge_index.T.tolist())
    assert torch.equal(check_graph(found, n), found)


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_operators_are_those_of_dense_algebra(graph):
    edge_index, n = graph
    A = dense_adjacency(edge_index, n)
    assert torch.equal(degrees(edge_index, n), A.sum(1).long())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = mean_operator(edge_index, n)
    torch.testing.assert_close(mean.to_dense(), A / A.sum(1, keepdim=True).clamp(min=1), rtol=1e-14, atol=0)
    root = torch.diag((A.sum(1) + 1) ** -0.5)
    gcn = gcn_operator(edge_index, n)
    torch.testing.assert_close(gcn.to_dense(), root @ (A + torch.eye(n)) @ root, rtol=1e-14, atol=0)
    assert mean.layout == gcn.layout == torch.sparse_csr
    assert mean.dtype == gcn.dtype == torch.float64


def test_the_star_has_its_numbers():
    A = gcn_operator(STAR, 5)
    assert A.to_dense()[0].tolist() == pytest.approx([0.2, *[0.1**0.5] * 4], rel=1e-12)
    assert A.to_dense().diagonal()[1:].tolist() == pytest.approx([0.5] * 4, rel=1e-12)
    ones = torch.ones(5, dtype=torch.float64)
    _, once, twice = propagate(A, ones, 2)
    assert once[:2].tolist() == pytest.approx([0.2 + 4 * 0.1**0.5, 0.5 + 0.1**0.5], rel=1e-12)
    assert twice[:2].tolist() == pytest.approx([1.32544, 0.87136], abs=5e-6)
    assert (A @ A).to_dense().diagonal()[:2].tolist() == pytest.approx([0.44, 0.35], rel=1e-12)


def test_the_gcn_operator_is_the_one_of_pyg():
    edge_index = make_graph("ba", 120, seed=2)
    pyg_edges, weights = gcn_norm(edge_index, num_nodes=120, dtype=torch.float64)
    theirs = torch.zeros(120, 120, dtype=torch.float64).index_put((pyg_edges[0], pyg_edges[1]), weights)
    torch.testing.assert_close(gcn_operator(edge_index, 120).to_dense(), theirs, rtol=1e-12, atol=1e-15)


def test_isolated_nodes_get_a_zero_row_and_a_warning():
    edge_index = torch.tensor([[0, 1], [1, 0]])
    with pytest.warns(UserWarning, match="2 of 4 nodes have no neighbour"):
        P = mean_operator(edge_index, 4)
    assert P.to_dense().tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4]
    assert gcn_operator(edge_index, 4).to_dense().diagonal().tolist() == pytest.approx([0.5, 0.5, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean_operator(edge_index, 2)  # nobody alone, no warning of ours or of torch


def test_a_graph_without_edges_is_a_graph():
    none = torch.empty(2, 0, dtype=torch.int64)
    assert check_graph(none, 3).shape == (2, 0)
    assert degrees(none, 3).tolist() == [0, 0, 0]
    assert gcn_operator(none, 1).to_dense().tolist() == [[1.0]]


def test_relabelling_nodes_relabels_the_operators():
    n, edge_index = 90, make_graph("ws", 90, seed=5)
    new_name = torch.from_numpy(np.random.default_rng(0).permutation(n))
    for operator in (mean_operator, gcn_operator):
        moved = operator(new_name[edge_index], n).to_dense()
        torch.testing.assert_close(moved[new_name][:, new_name], operator(edge_index, n).to_dense())


def test_propagation_starts_at_home_and_keeps_a_constant_under_the_mean():
    edge_index = make_graph("regular", 50, mean_degree=3, seed=0)
    P, X = mean_operator(edge_index, 50), torch.full((50, 2), 1e8, dtype=torch.float64)
    steps = propagate(P, X, 3)
    assert len(steps) == 4
    assert steps[0] is X
    torch.testing.assert_close(steps[3], X)
    assert len(propagate(P, X, 0)) == 1
    torch.testing.assert_close(propagate(P.to_dense(), X[:, 0], 1)[1], X[:, 0])


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 1], [1, 3]], "names node 3; expected nodes 0 to 2"),
        ([[0, -1], [-1, 0]], "names node -1"),
        ([[0, 1, 2], [1, 0, 2]], "joins node 2 to itself"),
        ([[0, 1, 0], [1, 0, 1]], r"holds \(0, 1\) more than once"),
        ([[0, 1, 2], [1, 0, 1]], r"holds \(2, 1\) one way only"),
        ([[0, 1], [1, 0], [0, 0]], r"shape \(3, 2\); expected \(2, 2E\)"),
        ([0, 1], r"shape \(2,\)"),
    ],
)
def test_edge_lists_of_other_graphs_are_refused(edges, message):
    for function in (check_graph, degrees, mean_operator, gcn_operator):
        with pytest.raises(ValueError, match=message):
            function(torch.tensor(edges), 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_edges_that_are_not_integers_are_refused(dtype):
    with pytest.raises(TypeError, match="expected integers"):
        check_graph(STAR.to(dtype), 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "tree"}, "kind is 'tree'; expected one of ba, er"),
        ({"n": 8}, "n is 8; expected an integer >= 9"),
        ({"n": 100.0}, "n is 100.0"),
        ({"mean_degree": 0}, "mean_degree is 0; expected an integer >= 1"),
        ({"mean_degree": 7}, "mean_degree is 7; expected an even number for 'ba'"),
        ({"kind": "ws", "mean_degree": 3}, "expected an even number for 'ws'"),
        ({"kind": "regular", "n": 101, "mean_degree": 3}, "expected an even product"),
        ({"kind": "sbm", "n": 20}, "4 blocks cannot hold 8 neighbours"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"seed": True}, "seed is True"),
    ],
)
def test_graphs_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_graph(**({"kind": "ba", "n": 100, "seed": 0} | arguments))


def test_shapes_that_cannot_be_propagated_are_refused():
    P = mean_operator(STAR, 5)
    with pytest.raises(ValueError, match=r"X has shape \(4, 2\); expected \(5, d\)"):
        propagate(P, torch.zeros(4, 2, dtype=torch.float64), 1)
    with pytest.raises(ValueError, match=r"P has shape \(5, 4\)"):
        propagate(torch.zeros(5, 4), torch.zeros(5, 2), 1)
    with pytest.raises(ValueError, match="hops is -1"):
        propagate(P, torch.zeros(5, 2, dtype=torch.float64), -1)
