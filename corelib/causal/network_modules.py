"""The two-layer networks of this chapter from PyTorch Geometric's layers, one module a network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from corelib.causal.graphs import require_integer

KINDS = ("mlp", "gcn", "sage", "gat")
GAT_HEADS = 4
HEAD_SCALE = 0.1  # the head starts small: first predictions are near zero, the mean of a standardised target


class NetworkModule(nn.Module):
    """One network from PyTorch Geometric's layers (plain linear ones for "mlp").

    Args:
        in_features: d, >= 1.
        kind: ``"mlp"``, ``"gcn"``, ``"sage"`` (mean of the neighbours) or ``"gat"`` (four attention heads, which share
            ``hidden``).
        hidden: width of both layers, >= 1; for "gat" a multiple of four.
        seed: seed of the initial weights, which are the layers' own; the head's are made ten times smaller.

    Raises:
        ValueError: an unknown kind, or a number out of range.

    Source: Fey and Lenssen (2019) for the layers; Velickovic et al. (2018) for attention.
    """

    def __init__(self, in_features: int, *, kind: str = "sage", hidden: int = 16, seed: int = 0):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
        require_integer("in_features", in_features, 1)
        require_integer("hidden", hidden, 1)
        if kind == "gat" and hidden % GAT_HEADS:
            raise ValueError(f"hidden is {hidden}; expected a multiple of {GAT_HEADS}, the number of attention heads")
        self.kind = kind
        with torch.random.fork_rng(devices=[]):  # the layers draw from the global stream: lend them a seeded one
            torch.default_generator.manual_seed(seed)
            self.layers = nn.ModuleList([_layer(kind, in_features, hidden), _layer(kind, hidden, hidden)])
            self.head = nn.Linear(hidden, 1)
        with torch.no_grad():
            self.head.weight.mul_(HEAD_SCALE)
            self.head.bias.mul_(HEAD_SCALE)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """One number a node.

        Args:
            x: features, shape ``(n, d)``.
            edge_index: the graph, shape ``(2, 2E)``.

        Returns:
            Outputs, shape ``(n,)``.
        """
        for layer in self.layers:
            x = torch.relu(layer(x) if self.kind == "mlp" else layer(x, edge_index))
        return self.head(x).squeeze(-1)


class SeparateNetworks(nn.Module):
    """M modules one after the other, with the interface of :class:`BatchedNetworks`.

    Args:
        modules: M modules, each with ``forward(x (n, d), edge_index)`` of shape ``(n,)``.

    Raises:
        ValueError: no module.

    Source: none; a plain loop, for kinds that have no batched form and as a check of those that have.
    """

    def __init__(self, modules: list[nn.Module]):
        super().__init__()
        if not modules:
            raise ValueError("modules is empty; expected at least one")
        self.networks = nn.ModuleList(modules)
        self.n_networks = len(modules)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Outputs ``(M, n)``, as :meth:`BatchedNetworks.forward`."""
        return self.bind(x, edge_index)()

    def bind(self, x: Tensor, edge_index: Tensor) -> Callable[[], Tensor]:
        """A function without arguments that gives the outputs, as :meth:`BatchedNetworks.bind`."""
        x = as_stack(x, self.n_networks, None).to(next(self.parameters()))
        edge_index = edge_index.to(x.device)
        size = max(self.n_networks, len(x))
        pairs = [(self.networks[i % self.n_networks], x[i % len(x)]) for i in range(size)]
        return lambda: torch.stack([network(own, edge_index) for network, own in pairs])


def fill_layer(layer: nn.Module, kind: str, weight: Tensor, bias: Tensor) -> None:
    """Copy a batched layer's weight ``(out, in)`` and bias ``(out,)`` into a layer of a :class:`NetworkModule`."""
    if kind == "sage":
        own, neighbours = weight.chunk(2, 1)
        layer.lin_r.weight.copy_(own)
        layer.lin_l.weight.copy_(neighbours)
        layer.lin_l.bias.copy_(bias)
    else:
        (layer if kind == "mlp" else layer.lin).weight.copy_(weight)
        layer.bias.copy_(bias)


def as_stack(x: Tensor, n_networks: int, in_features: int | None) -> Tensor:
    """Features as ``(B, n, d)``, where B is 1 if the networks share them."""
    if x.ndim not in (2, 3) or in_features not in (None, x.shape[-1]):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, {in_features or 'd'}), or a stack of such")
    if x.ndim == 3 and n_networks != 1 and len(x) != n_networks:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected one input for each of {n_networks} networks")
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; expected finite features")
    return x if x.ndim == 3 else x[None]


def _layer(kind: str, width: int, hidden: int) -> nn.Module:
    if kind == "mlp":
        return nn.Linear(width, hidden)
    from torch_geometric.nn import GATConv, GCNConv, SAGEConv  # takes seconds; batched networks do without it

    if kind == "gcn":
        return GCNConv(width, hidden)
    if kind == "sage":
        return SAGEConv(width, hidden, aggr="mean")
    return GATConv(width, hidden // GAT_HEADS, heads=GAT_HEADS)
