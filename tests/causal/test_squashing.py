"""Influence, curvature and hub curves: closed forms, the definitions written out, and simulation on real graphs."""

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from torch_geometric.nn import GCNConv, SAGEConv

from corelib.causal.graphs import degrees, gcn_operator, make_graph, mean_operator
from corelib.causal.squashing import (
    balanced_forman,
    hub_curve_mismatch,
    hub_curve_single,
    influence,
    mismatch_slope,
)

pytestmark = pytest.mark.ch04


def edges(graph):
    forward = torch.tensor(list(graph.edges), dtype=torch.int64).reshape(-1, 2).T
    return torch.cat([forward, forward.flip(0)], 1)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class TwoLayers(torch.nn.Module):
    """Two PyG convolutions with a ReLU between: sees two hops."""

    def __init__(self, convolution, edge_index):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.edge_index = convolution(3, 16), convolution(16, 1), edge_index

    def forward(self, x):
        return self.second(self.first(x, self.edge_index).relu(), self.edge_index)[:, 0]


# Influence


def test_a_linear_network_has_the_powers_of_its_operator():
    edge_index = make_graph("ba", 60, seed=0)
    operator, w, x = gcn_operator(edge_index, 60), normal(4), normal(60, 4, seed=1)
    nodes = torch.tensor([5, 0, 59])
    expected = torch.linalg.matrix_power(operator.to_dense(), 3)[nodes].abs() * w.abs().sum()
    found = influence(lambda x: (operator @ (operator @ (operator @ x))) @ w, x, nodes)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


def test_the_hub_of_a_star_has_its_closed_form():
    operator = gcn_operator(edges(nx.star_graph(4)), 5)
    found = influence(lambda x: (operator @ (operator @ x))[:, 0], normal(5, 1))
    assert found[0, 0] == pytest.approx(0.44, rel=1e-12)  # 1/25 + 4/10
    assert found[0].sum() == pytest.approx(1.32544, abs=5e-6)
    assert found[1, 1] == pytest.approx(0.35, rel=1e-12)
    assert found[1].sum() == pytest.approx(0.87136, abs=5e-6)


@pytest.mark.parametrize("convolution", [GCNConv, SAGEConv])
def test_a_relu_network_agrees_with_the_full_jacobian_and_is_blind_beyond_its_hops(convolution):
    graph = nx.random_regular_graph(3, 40, seed=0)
    network, x = TwoLayers(convolution, edges(graph)), normal(40, 3, dtype=torch.float32)
    found = influence(network, x)
    jacobian = torch.autograd.functional.jacobian(network, x)
    torch.testing.assert_close(found, jacobian.abs().sum(2), rtol=1e-5, atol=1e-7)
    hops = nx.floyd_warshall_numpy(graph, nodelist=range(40))
    assert (found.numpy()[hops > 2] == 0).all()
    assert (found.numpy()[hops <= 2] > 0).mean() > 0.9
    assert found.dtype == torch.float32


def test_looking_leaves_no_trace():
    network, x = TwoLayers(GCNConv, edges(nx.cycle_graph(6))), normal(6, 3, dtype=torch.float32)
    with torch.no_grad():
        assert influence(network, x, [2]).shape == (1, 6)
    assert not x.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("effect", "nodes", "message"),
    [
        (lambda x: x, None, r"effect returns shape \(5, 2\); expected \(5,\)"),
        (lambda x: x.detach()[:, 0], None, "not connected to x"),
        (lambda x: (x * 0)[:, 0].sqrt(), None, "NaN or infinite derivatives"),
        (lambda x: x[:, 0], [5], "nodes is .5.; expected a list of nodes, each in 0 ... 4"),
        (lambda x: x[:, 0], [-1], "nodes is"),
        (lambda x: x[:, 0], torch.zeros(0, dtype=torch.int64), "nodes is"),
        (lambda x: x[:, 0], torch.tensor(1), "nodes is 1"),
    ],
)
def test_effects_without_an_influence_are_refused(effect, nodes, message):
    with pytest.raises(ValueError, match=message):
        influence(effect, torch.ones(5, 2), nodes)


def test_features_and_nodes_of_a_wrong_type_are_refused():
    with pytest.raises(TypeError, match=r"x has dtype torch\.int64"):
        influence(lambda x: x[:, 0], torch.ones(5, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"x has shape \(5,\)"):
        influence(lambda x: x, torch.ones(5))
    for nodes in (torch.ones(5, dtype=torch.bool), [0.5]):
        with pytest.raises(TypeError, match="nodes has dtype"):
            influence(lambda x: x[:, 0], torch.ones(5, 2), nodes)


# Curvature


@pytest.mark.parametrize(
    ("graph", "curvature"),
    [
        (nx.complete_graph(3), 3 / 2),
        (nx.complete_graph(6), 6 / 5),
        (nx.cycle_graph(4), 1),
        (nx.cycle_graph(5), 0),
        (nx.cycle_graph(12), 0),
        (nx.star_graph(4), 0),  # every edge ends in a leaf
        (nx.grid_2d_graph(5, 5, periodic=True), 0),
        (nx.hypercube_graph(3), 2 / 3),  # 4/3 - 2 + (2 + 2) / 3: two squares on an edge, through different neighbours
        (nx.complete_bipartite_graph(3, 3), 0),  # 4/3 - 2 + (2 + 2) / (2 * 3)
    ],
)
def test_graphs_whose_edges_are_all_alike(graph, curvature):
    graph = nx.convert_node_labels_to_integers(graph)
    found = balanced_forman(edges(graph), len(graph))
    assert found.shape == (2 * graph.number_of_edges(),)
    torch.testing.assert_close(found, torch.full_like(found, curvature), rtol=1e-12, atol=1e-12)


def test_inner_edges_of_a_tree_are_negative():
    edge_index = edges(nx.balanced_tree(2, 4))  # inner nodes have degree 3, the root 2, leaves 1
    found, degree = balanced_forman(edge_index, 31), degrees(edge_index, 31)[edge_index]
    assert found[(degree == 3).all(0)].tolist() == pytest.approx([-2 / 3] * 24)
    assert (found[degree.min(0).values == 1] == 0).all()


def test_the_karate_club_is_mostly_negative():
    edge_index = edges(nx.karate_club_graph())
    found = balanced_forman(edge_index, 34)
    assert edge_index[:, found.argmin()].tolist() == [0, 31]
    assert found.min() == pytest.approx(-1.3958, abs=5e-5)
    assert (found < 0).double().mean() == pytest.approx(0.72, abs=0.005)


def definition(adjacency, i, j):
    """The curvature written out with vectors, as the source has it; A_k . (A_j - A_i * A_j) - 1 counts squares."""
    degree = adjacency.sum(1)
    if min(degree[i], degree[j]) == 1:
        return 0.0
    counts = []
    for a, b in ((i, j), (j, i)):
        alone = (adjacency[a] == 1) & (adjacency[b] == 0)
        alone[b] = False
        counts.append([adjacency[k] @ (adjacency[b] * (1 - adjacency[a])) - 1 for k in np.flatnonzero(alone)])
    members = [c for c in counts[0] + counts[1] if c > 0]
    triangles, low, high = adjacency[i] @ adjacency[j], min(degree[i], degree[j]), max(degree[i], degree[j])
    squares = len(members) / max(members) if members else 0
    return 2 / degree[i] + 2 / degree[j] - 2 + 2 * triangles / high + triangles / low + squares / high


@given(st.integers(0, 999), st.floats(0.1, 0.9))
def test_any_graph_follows_the_definition_and_stays_above_minus_two(seed, density):
    graph = nx.gnp_random_graph(12, density, seed=seed)
    adjacency, edge_index = nx.to_numpy_array(graph, nodelist=range(12)), edges(graph)
    edge_index = edge_index[:, torch.randperm(edge_index.shape[1], generator=torch.Generator().manual_seed(seed))]
    found = balanced_forman(edge_index, 12)
    expected = [definition(adjacency, i, j) for i, j in edge_index.T.tolist()]
    assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert (found > -2).all()


def test_a_graph_without_edges_has_no_curvature_and_a_directed_one_is_refused():
    assert balanced_forman(torch.zeros(2, 0, dtype=torch.int64), 3).shape == (0,)
    with pytest.raises(ValueError, match="one way only"):
        balanced_forman(torch.tensor([[0, 1], [1, 2]]), 3)


# Hub curves


def test_one_influencer_among_d_leaves_one_minus_one_over_d():
    edge_index = make_graph("ba", 1000, seed=0)
    x, operator, degree = normal(1000, 400), mean_operator(edge_index, 1000), degrees(edge_index, 1000)
    first = degree.cumsum(0) - degree  # edges are sorted: those of a node lie together
    chosen = (torch.rand(1000, 400, generator=torch.Generator().manual_seed(1)) * degree[:, None]).long()
    tau = x.gather(0, edge_index[1][first[:, None] + chosen])
    measured = ((operator @ x - tau) ** 2).mean(1)
    for low, high in ((4, 4), (5, 6), (7, 10), (11, 30)):
        rows = (degree >= low) & (degree <= high)
        assert measured[rows].mean() == pytest.approx(float(hub_curve_single(degree[rows]).mean()), abs=0.015)


def test_a_mean_in_place_of_a_normalised_sum_fails_at_hubs_as_computed():
    edge_index = make_graph("ba", 4000, seed=0)
    degree, mean = degrees(edge_index, 4000).double(), mean_operator(edge_index, 4000) @ normal(4000, 100)
    tau = degree.sqrt()[:, None] * mean
    fitted = float((tau * mean).sum() / (mean**2).sum())
    assert fitted == pytest.approx(mismatch_slope(degree), rel=0.005)
    measured = ((tau - fitted * mean) ** 2).mean(1)
    for low, high in ((4, 4), (5, 6), (7, 10), (11, 20), (21, 50), (51, 4000)):
        rows = (degree >= low) & (degree <= high)
        theory = float(hub_curve_mismatch(degree[rows], mismatch_slope(degree)).mean())
        assert measured[rows].mean() == pytest.approx(theory, abs=0.02)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_the_slope_minimises_the_mean_of_the_curve(degree):
    best = minimize_scalar(lambda beta: float(hub_curve_mismatch(degree, beta).mean()))
    assert mismatch_slope(degree) == pytest.approx(best.x, rel=1e-5)
    assert min(degree) ** 0.5 - 1e-9 <= mismatch_slope(degree) <= max(degree) ** 0.5 + 1e-9


def test_curves_at_single_degrees():
    assert hub_curve_single([1, 4, 10]).tolist() == pytest.approx([0, 0.75, 0.9])
    assert hub_curve_mismatch(torch.tensor([4, 16]), 2.0).tolist() == pytest.approx([0, 0.25])
    assert hub_curve_mismatch(np.array([9.0]), 0.0).tolist() == [1]
    assert mismatch_slope([9, 9]) == pytest.approx(3)


@pytest.mark.parametrize("degree", [[0, 4], [float("nan")], [float("inf")]])
def test_degrees_that_have_no_mean_are_refused(degree):
    for curve in (hub_curve_single, lambda d: hub_curve_mismatch(d, 1.0), mismatch_slope):
        with pytest.raises(ValueError, match="degree "):
            curve(degree)


def test_an_empty_list_has_no_slope_and_a_slope_is_finite():
    with pytest.raises(ValueError, match="degree is empty"):
        mismatch_slope([])
    with pytest.raises(ValueError, match="beta is nan"):
        hub_curve_mismatch([4], float("nan"))
