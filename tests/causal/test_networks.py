"""Batched networks against PyTorch Geometric's layers, one by one, and what training may and may not depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.causal.graphs import gcn_operator, make_graph, mean_operator
from corelib.causal.network_modules import NetworkModule, SeparateNetworks
from corelib.causal.networks import BATCHED_KINDS, BatchedNetworks, _SparseProduct, build_networks, train_networks

pytestmark = [pytest.mark.ch04, pytest.mark.filterwarnings("ignore:.*have no neighbour")]


def both_ways(*edges):
    pairs = torch.tensor(edges, dtype=torch.int64).T
    return torch.cat([pairs, pairs.flip(0)], 1)


STAR_AND_LONER = both_ways((0, 1), (0, 2), (0, 3), (3, 4))  # six nodes; node 5 has no neighbour


def problem(n_networks, n=60, d=3, seed=0):
    """A graph, features, targets of each network and the nodes that it learns from."""
    rng = np.random.default_rng(seed)
    x, y = torch.from_numpy(rng.standard_normal((n, d))), torch.from_numpy(rng.standard_normal((n_networks, n)))
    mask = torch.from_numpy(rng.random((n_networks, n)) < 0.6)
    return make_graph("ba", n, mean_degree=4, seed=seed), x, y.float(), mask


def train(networks, x, graph, y, mask, **kwargs):
    settings = {"epochs": 20, "weight_decay": 3e-2} | kwargs
    return train_networks(networks, x, graph, lambda out: (out - y) ** 2, mask, **settings)


@pytest.mark.parametrize("kind", BATCHED_KINDS)
def test_outputs_are_those_of_pytorch_geometric(kind):
    networks = BatchedNetworks(3, 4, kind=kind, hidden=5, seed=1, dtype=torch.float64)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 4)))
    outputs = networks(x, STAR_AND_LONER)
    assert outputs.shape == (3, 6)
    torch.testing.assert_close(outputs, networks.separate()(x, STAR_AND_LONER), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", BATCHED_KINDS)
def test_training_together_is_training_pytorch_geometric_modules_alone(kind):
    graph, x, y, mask = problem(4)
    networks = BatchedNetworks(4, 3, kind=kind, seed=2)
    alone = [SeparateNetworks([module]) for module in networks.separate().networks]
    untrained = networks(x, graph).detach()
    history = train(networks, x, graph, y, mask)
    for m, network in enumerate(alone):
        own = train(network, x, graph, y[m : m + 1], mask[m : m + 1])
        torch.testing.assert_close(history[:, m : m + 1], own, rtol=0, atol=1e-5)
        torch.testing.assert_close(networks(x, graph)[m], network(x, graph)[0], rtol=0, atol=1e-5)
    assert (networks(x, graph) - untrained).abs().max() > 0.05  # twenty steps did move them


def test_a_network_does_not_depend_on_the_company_it_is_trained_in():
    graph, x, y, mask = problem(5)
    many, one = (BatchedNetworks(m, 3, seed=4) for m in (5, 1))
    train(many, x, graph, y, mask)
    train(one, x, graph, y[:1], mask[:1])
    torch.testing.assert_close(many(x, graph)[:1], one(x, graph), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", BATCHED_KINDS)
def test_nodes_outside_the_mask_count_for_exactly_nothing(kind):
    graph, x, y, mask = problem(3)
    first, second = (BatchedNetworks(3, 3, kind=kind, seed=5) for _ in range(2))
    train(first, x, graph, y, mask)
    train(second, x, graph, torch.where(mask, y, 1e6), mask)
    assert torch.equal(first(x, graph), second(x, graph))
    third = BatchedNetworks(3, 3, kind=kind, seed=5)
    train(third, x, graph, y + mask, mask)
    assert (first(x, graph) - third(x, graph)).abs().max() > 0.01


def test_the_history_starts_with_the_mean_loss_over_each_networks_own_nodes():
    graph, x, y, mask = problem(3)
    networks = BatchedNetworks(3, 3)
    squared = (networks(x, graph).detach() - y) ** 2
    expected = torch.stack([row[own].mean() for row, own in zip(squared, mask, strict=True)])
    history = train(networks, x, graph, y, mask, epochs=2)
    assert history.shape == (2, 3)
    torch.testing.assert_close(history[0], expected)


def test_the_sparse_product_has_the_right_gradient_for_an_operator_that_is_not_symmetric():
    operator = mean_operator(STAR_AND_LONER, 6)
    transpose = operator.to_dense().T.to_sparse_csr()
    h = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 4))).requires_grad_()
    assert torch.autograd.gradcheck(lambda h: _SparseProduct.apply(h, operator, transpose), (h,))


@pytest.mark.parametrize(("kind", "reach"), [("mlp", 0), ("gcn", 2), ("sage", 2)])
def test_two_layers_see_two_steps_far_and_an_mlp_no_step(kind, reach):
    path = both_ways(*((i, i + 1) for i in range(8)))
    networks = BatchedNetworks(1, 2, kind=kind, hidden=64, dtype=torch.float64)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((9, 2))).requires_grad_()
    gradient = torch.autograd.grad(networks(x, path)[0, 4], x)[0].abs().sum(1)
    assert (gradient > 0).nonzero().flatten().tolist() == list(range(4 - reach, 5 + reach))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.sampled_from(BATCHED_KINDS))
def test_relabelling_the_nodes_relabels_the_outputs(seed, kind):
    graph, x, _, _ = problem(1, n=20, seed=seed)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(20))
    place = torch.argsort(order)
    networks = BatchedNetworks(2, 3, kind=kind, seed=seed, dtype=torch.float64)
    torch.testing.assert_close(networks(x[order], place[graph]), networks(x, graph)[:, order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", BATCHED_KINDS)
def test_networks_may_have_inputs_of_their_own(kind):
    graph, _, _, _ = problem(1)
    stack = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 60, 4)))
    networks = BatchedNetworks(3, 4, kind=kind, dtype=torch.float64)
    outputs = networks(stack, graph)
    for m in range(3):
        torch.testing.assert_close(outputs[m], networks(stack[m], graph)[m])
    torch.testing.assert_close(networks.separate()(stack, graph), outputs)
    one = BatchedNetworks(1, 4, kind=kind, dtype=torch.float64)  # and one network may have many inputs
    torch.testing.assert_close(one(stack, graph), torch.cat([one(x, graph) for x in stack]))
    torch.testing.assert_close(one.separate()(stack, graph), one(stack, graph))


@pytest.mark.parametrize("kind", ["sage", "gat"])
def test_a_seed_fixes_each_network_and_leaves_the_global_stream_alone(kind):
    graph, x, _, _ = problem(1)
    state = torch.random.get_rng_state()
    three, two, other = (build_networks(kind, m, 3, seed=s) for m, s in ((3, 7), (2, 7), (2, 8)))
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.testing.assert_close(three(x, graph)[:2], two(x, graph))
    assert not torch.allclose(two(x, graph), other(x, graph), atol=1e-4)
    assert not torch.allclose(two(x, graph)[0], two(x, graph)[1], atol=1e-4)


def test_first_outputs_are_small_beside_a_standardised_target():
    graph, x, _, _ = problem(1, n=400, d=8)
    assert 0.01 < BatchedNetworks(20, 8)(x, graph).std() < 0.2
    assert NetworkModule(8, kind="mlp")(x.float(), graph).abs().max() < 0.2


@pytest.mark.parametrize("kind", ["mlp", "gcn", "sage", "gat"])
def test_only_networks_over_the_graph_learn_a_mean_over_neighbours(kind):
    graph, x, _, _ = problem(1, n=300, d=3)
    operator = gcn_operator if kind == "gcn" else mean_operator
    target = (operator(graph, 300) @ x[:, :1]).T
    target = (target / target.std()).float()
    networks = build_networks(kind, 1, 3, seed=0)
    train(networks, x, graph, target, torch.ones(1, 300, dtype=torch.bool), epochs=100, weight_decay=0.0)
    left = ((networks(x, graph) - target) ** 2).mean().item()
    assert left > 0.6 if kind == "mlp" else left < 0.4


def test_strong_decay_leaves_a_network_one_constant():
    graph, x, y, mask = problem(2)
    free, held = BatchedNetworks(2, 3), BatchedNetworks(2, 3)
    train(free, x, graph, y, mask, epochs=100, weight_decay=0.0)
    train(held, x, graph, y, mask, epochs=100, weight_decay=3.0)
    assert free(x, graph).std(1).min() > 0.3
    assert held(x, graph).std(1).max() < 0.01


def test_decay_is_relative_to_the_mean_loss_so_that_copies_of_the_nodes_change_nothing():
    _, x, y, mask = problem(2)
    no_edges = torch.empty(2, 0, dtype=torch.int64)
    once, twice = (BatchedNetworks(2, 3, kind="mlp", dtype=torch.float64) for _ in range(2))
    train(once, x, no_edges, y, mask, weight_decay=0.3)
    train(twice, x.repeat(2, 1), no_edges, y.repeat(1, 2), mask.repeat(1, 2), weight_decay=0.3)
    torch.testing.assert_close(once(x, no_edges), twice(x, no_edges), rtol=0, atol=1e-8)


def test_a_loss_that_overflows_is_an_error_that_names_the_network():
    graph, x, y, mask = problem(2)
    y = torch.stack([y[0], torch.full_like(y[1], 1e30)])
    with pytest.raises(FloatingPointError, match=r"networks \[1\]"):
        train(BatchedNetworks(2, 3), x, graph, y, mask)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "gat"}, "kind is 'gat'; expected one of mlp, gcn, sage"),
        ({"n_networks": 0}, "n_networks is 0"),
        ({"in_features": 0}, "in_features is 0"),
        ({"hidden": 2.5}, "hidden is 2.5"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_shapes_of_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BatchedNetworks(**{"n_networks": 2, "in_features": 3} | arguments)


def test_bad_modules_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        NetworkModule(3, kind="gat", hidden=6)
    with pytest.raises(ValueError, match="kind is 'transformer'"):
        build_networks("transformer", 2, 3)
    with pytest.raises(ValueError, match="modules is empty"):
        SeparateNetworks([])


def test_bad_training_data_are_refused():
    graph, x, y, mask = problem(2)
    networks = BatchedNetworks(2, 3)
    with pytest.raises(ValueError, match=r"x has shape \(60, 2\)"):
        train(networks, x[:, :2], graph, y, mask)
    with pytest.raises(ValueError, match="one input for each of 2 networks"):
        train(networks, x.expand(3, 60, 3), graph, y, mask)
    with pytest.raises(ValueError, match="NaN"):
        train(networks, x.clone().fill_(torch.nan), graph, y, mask)
    with pytest.raises(ValueError, match="mask has shape"):
        train(networks, x, graph, y, mask[0])
    with pytest.raises(ValueError, match="bool"):
        train(networks, x, graph, y, mask.float())
    with pytest.raises(ValueError, match="network 1 no node"):
        train(networks, x, graph, y, mask & torch.tensor([[True], [False]]))
    with pytest.raises(ValueError, match="epochs, lr, weight_decay are 0"):
        train(networks, x, graph, y, mask, epochs=0)
    with pytest.raises(ValueError, match="one way only"):
        train(networks, x, graph[:, 1:], y, mask)
