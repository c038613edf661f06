"""Two-layer networks over a graph, M of them trained at once.

All networks have two layers of the same width with ReLU and a linear head that gives one number a node. They differ in
what a layer sees: a node's own features ("mlp"), a weighted sum over itself and its neighbours ("gcn"), its own
features beside the mean of its neighbours' ("sage"), or a learned weighting of neighbours ("gat").

Networks are small and graphs are the same for all of them, so most of the time of training them one by one is
overhead. :class:`BatchedNetworks` holds them as one tensor with a leading axis; since Adam acts on each number by
itself, descending on the sum of their losses is M separate trainings.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from corelib.causal.graphs import gcn_operator, mean_operator, require_integer
from corelib.causal.network_modules import (
    HEAD_SCALE,
    NetworkModule,
    SeparateNetworks,
    as_stack,
    fill_layer,
)

BATCHED_KINDS = ("mlp", "gcn", "sage")


class BatchedNetworks(nn.Module):
    """M independent networks of one kind, which move through every layer in one product.

    Initial weights are normal with variance 2 / f for a layer with f inputs, which suits ReLU; the head's have standard
    deviation 0.1 / sqrt(hidden); biases are zero. Smaller weights would do in most cases, but under the strong decay of
    this chapter they let some networks shrink to a constant before they have learned anything. Network m depends on
    ``(seed, m)`` alone, so it is the same among any number of networks.

    Args:
        n_networks: M, >= 1.
        in_features: d, >= 1.
        kind: ``"mlp"``, ``"gcn"`` or ``"sage"``.
        hidden: width of both layers, >= 1.
        seed: seed of the initial weights, >= 0.
        dtype: floating-point type.

    Attributes:
        weights: tensors ``(M, d, hidden)`` and ``(M, hidden, hidden)``; for "sage" twice as many rows, those for the
            node's own features first.
        biases: two tensors ``(M, 1, hidden)``.
        head: ``(M, hidden, 1)``.
        head_bias: ``(M, 1, 1)``.

    Raises:
        ValueError: an unknown kind, or a number out of range.

    Source: chapter 4, lesson 2; layers of Kipf and Welling (2017) and of Hamilton et al. (2017); initial weights of
    He et al. (2015).
    """

    def __init__(
        self,
        n_networks: int,
        in_features: int,
        *,
        kind: str = "sage",
        hidden: int = 16,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        if kind not in BATCHED_KINDS:
            raise ValueError(f"kind is {kind!r}; expected one of {', '.join(BATCHED_KINDS)}")
        for name, value in (("n_networks", n_networks), ("in_features", in_features), ("hidden", hidden)):
            require_integer(name, value, 1)
        require_integer("seed", seed, 0)
        self.n_networks, self.in_features, self.kind, self.hidden = n_networks, in_features, kind, hidden
        blocks = 2 if kind == "sage" else 1
        shapes = [(blocks * in_features, hidden), (blocks * hidden, hidden), (hidden, 1)]
        gains = [2**0.5, 2**0.5, HEAD_SCALE]
        draws = []
        for m in range(n_networks):
            rng = np.random.default_rng((seed, m))
            draws.append([rng.normal(0, g * s[0] ** -0.5, s) for s, g in zip(shapes, gains, strict=True)])
        weights = [nn.Parameter(torch.as_tensor(np.stack(d), dtype=dtype)) for d in zip(*draws, strict=True)]
        biases = [nn.Parameter(torch.zeros(n_networks, 1, s[1], dtype=dtype)) for s in shapes]
        self.weights, self.biases = nn.ParameterList(weights[:2]), nn.ParameterList(biases[:2])
        self.head, self.head_bias = weights[2], biases[2]

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """One number for every network and node.

        Args:
            x: features, shape ``(n, d)``, or ``(B, n, d)`` where networks have different inputs: B is M, or anything
                if M is 1.
            edge_index: the graph, shape ``(2, 2E)``.

        Returns:
            Outputs, shape ``(M, n)`` (``(B, n)`` if M is 1).

        Raises:
            ValueError: features of another shape, or a graph that is not one.
        """
        return self.bind(x, edge_index)()

    def bind(self, x: Tensor, edge_index: Tensor) -> Callable[[], Tensor]:
        """A function without arguments that gives the outputs for these inputs with the weights of the moment.

        What the first layer sees of the graph never changes in training; here it is worked out once.

        Args:
            x: as for :meth:`forward`.
            edge_index: as for :meth:`forward`.

        Raises:
            ValueError: as :meth:`forward`.
        """
        x = as_stack(x, self.n_networks, self.in_features).to(self.head)
        if self.kind == "mlp":
            return lambda: self._layers(x, lambda h: h)
        operator = (mean_operator if self.kind == "sage" else gcn_operator)(edge_index, x.shape[-2])
        backward = operator.to_sparse_coo().t().coalesce().to_sparse_csr()  # of the gradient
        operator, backward = operator.to(self.head), backward.to(self.head)

        def gather(h: Tensor) -> Tensor:
            neighbours = _apply_operator(h, operator, backward)
            return torch.cat([h, neighbours], -1) if self.kind == "sage" else neighbours

        first = gather(x)
        return lambda: self._layers(first, gather)

    def _layers(self, first: Tensor, gather: Callable[[Tensor], Tensor]) -> Tensor:
        h = torch.relu(first @ self.weights[0] + self.biases[0])
        h = torch.relu(gather(h) @ self.weights[1] + self.biases[1])
        return (h @ self.head + self.head_bias).squeeze(-1)

    def separate(self) -> "SeparateNetworks":
        """Copies of the networks as PyTorch Geometric modules, which give the same outputs."""
        modules = [NetworkModule(self.in_features, kind=self.kind, hidden=self.hidden) for _ in range(self.n_networks)]
        with torch.no_grad():
            for m, module in enumerate(modules):
                module.to(self.head)
                for layer, weight, bias in zip(module.layers, self.weights, self.biases, strict=True):
                    fill_layer(layer, self.kind, weight[m].T, bias[m, 0])
                module.head.weight.copy_(self.head[m].T)
                module.head.bias.copy_(self.head_bias[m, 0])
        return SeparateNetworks(modules)


def build_networks(kind: str, n_networks: int, in_features: int, *, hidden: int = 16, seed: int = 0) -> nn.Module:
    """M networks of any kind: batched where that is possible, else ("gat") one after the other.

    Args:
        kind: ``"mlp"``, ``"gcn"``, ``"sage"`` or ``"gat"``.
        n_networks: M, >= 1.
        in_features: d, >= 1.
        hidden: width of both layers, >= 1.
        seed: seed of the initial weights, >= 0; network m depends on it and on m alone.

    Returns:
        :class:`BatchedNetworks` or :class:`SeparateNetworks`, float32.

    Raises:
        ValueError: an unknown kind, or a number out of range.

    Source: none; a choice.
    """
    if kind != "gat":
        return BatchedNetworks(n_networks, in_features, kind=kind, hidden=hidden, seed=seed)
    require_integer("n_networks", n_networks, 1)
    seeds = [int(np.random.SeedSequence((seed, m)).generate_state(1)[0]) for m in range(n_networks)]
    return SeparateNetworks([NetworkModule(in_features, kind=kind, hidden=hidden, seed=s) for s in seeds])


def train_networks(
    networks: nn.Module,
    x: Tensor,
    edge_index: Tensor,
    loss: Callable[[Tensor], Tensor],
    mask: Tensor,
    *,
    epochs: int,
    lr: float = 1e-2,
    weight_decay: float = 0.0,
) -> Tensor:
    """Train all networks at once, in place: Adam over the full graph, each network on its own nodes.

    A network descends on the *mean* loss over its nodes. Weight decay is added to the gradient, so its strength is
    relative to that mean; with a sum it would be n times weaker. A loss whose nodes have weights should therefore be
    divided by their mean weight.

    Args:
        networks: M networks, batched or separate; changed in place.
        x: features, shape ``(n, d)`` or ``(M, n, d)``. Those of all nodes are seen, in the mask or not.
        edge_index: the graph, shape ``(2, 2E)``.
        loss: takes outputs ``(M, n)`` and gives the loss of each network at each node, ``(M, n)``. It must be finite
            outside the mask too, though it does not count there.
        mask: which nodes each network learns from, bool, shape ``(M, n)``.
        epochs: steps, >= 1.
        lr: Adam's learning rate, > 0.
        weight_decay: >= 0.

    Returns:
        Mean loss of each network before each step, shape ``(epochs, M)``.

    Raises:
        ValueError: arguments that do not fit, or a network without a node to learn from.
        FloatingPointError: the loss of a network is NaN or infinite.

    Source: chapter 4, lesson 2; Kingma and Ba (2015).
    """
    if epochs < 1 or lr <= 0 or weight_decay < 0:
        raise ValueError(f"epochs, lr, weight_decay are {epochs}, {lr}, {weight_decay}; expected >= 1, > 0, >= 0")
    outputs = networks.bind(x, edge_index)
    shape = (networks.n_networks, x.shape[-2])
    if mask.shape != shape or mask.dtype != torch.bool:
        raise ValueError(f"mask has shape {tuple(mask.shape)} and dtype {mask.dtype}; expected {shape} and bool")
    if not mask.any(1).all():
        raise ValueError(f"mask leaves network {int(mask.any(1).logical_not().nonzero()[0])} no node to learn from")
    mask = mask.to(next(networks.parameters()))
    share = mask / mask.sum(1, keepdim=True)
    adam = torch.optim.Adam(networks.parameters(), lr=lr, weight_decay=weight_decay)
    history = []
    for _ in range(epochs):
        adam.zero_grad()
        means = (loss(outputs()) * share).sum(1)
        means.sum().backward()
        adam.step()
        history.append(means.detach())
    history = torch.stack(history)
    if not torch.isfinite(history).all():
        bad = (~torch.isfinite(history).all(0)).nonzero().flatten().tolist()
        raise FloatingPointError(f"the loss of networks {bad} is not finite; try a smaller lr, or scale the features")
    return history


class _SparseProduct(torch.autograd.Function):
    """``operator @ h`` whose gradient uses the transpose given, which autograd would work out anew at every step."""

    @staticmethod
    def forward(ctx, h: Tensor, operator: Tensor, transpose: Tensor) -> Tensor:
        ctx.transpose = transpose
        return operator @ h

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return ctx.transpose @ gradient, None, None


def _apply_operator(h: Tensor, operator: Tensor, transpose: Tensor) -> Tensor:
    """The operator on each of B feature matrices, ``(B, n, f)``, through one product with ``(n, B f)``."""
    b, n, f = h.shape
    wide = h.transpose(0, 1).reshape(n, b * f)
    return _SparseProduct.apply(wide, operator, transpose).reshape(n, b, f).transpose(0, 1)
