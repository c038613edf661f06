"""Observational data on a network, checked where they enter, and the split into nodes to learn from and to score on."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from corelib.causal.graphs import check_graph


@dataclass(frozen=True, eq=False)
class NetworkCausalData:
    """An observational study on a graph: features, treatments and outcomes of n nodes, with the truth where known.

    Arrays are taken as well as tensors; they are kept as float64, masks as bool. Features of all nodes may be used in
    training, treatments and outcomes of the training nodes only.

    Attributes:
        x: features, shape ``(n, d)``.
        edge_index: edges, as :func:`~corelib.causal.graphs.check_graph` returns them, shape ``(2, 2E)``.
        t: treatments, 0 or 1, shape ``(n,)``.
        y: outcomes, shape ``(n,)``.
        train_mask: nodes to learn from, shape ``(n,)``; both treatments occur among them.
        test_mask: nodes to score on, shape ``(n,)``, none of which is a training node.
        tau: effects E[Y(1) - Y(0) | X, G], units of y, shape ``(n,)``, or None where unknown.
        m: expected outcomes E[Y | X, G], units of y, or None.
        e: propensities P(T = 1 | X, G), between 0 and 1, or None.
        floor: for each node the least expected squared error of a model of the effect that sees the node's own features
            only, units of y squared, or None.

    Raises:
        ValueError: a shape that does not fit, a number that is not finite, treatments other than 0 and 1, one treatment
            only among the training nodes, overlapping masks, propensities outside (0, 1), a graph that is not simple.
        TypeError: edges that are not integers, masks that are not bool.
    """

    x: Tensor
    edge_index: Tensor
    t: Tensor
    y: Tensor
    train_mask: Tensor
    test_mask: Tensor
    tau: Tensor | None = None
    m: Tensor | None = None
    e: Tensor | None = None
    floor: Tensor | None = None

    def __post_init__(self):
        x = finite("x", self.x)
        if x.ndim != 2 or not len(x):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, d) with n >= 1")
        kept = {"x": x, "edge_index": check_graph(self.edge_index, len(x))}
        for name in ("t", "y", "tau", "m", "e", "floor"):
            value = getattr(self, name)
            kept[name] = value if value is None and name not in "ty" else _column(name, value, len(x))
        for name in ("train_mask", "test_mask"):
            kept[name] = _mask(name, getattr(self, name), len(x))
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        self._check_values()

    def _check_values(self) -> None:
        if not ((self.t == 0) | (self.t == 1)).all():
            raise ValueError(f"t holds {self.t[(self.t != 0) & (self.t != 1)][0]}; expected 0 and 1 only")
        if (self.train_mask & self.test_mask).any():
            raise ValueError("train_mask and test_mask share nodes; expected none")
        treated, nodes = int(self.t[self.train_mask].sum()), int(self.train_mask.sum())
        if not 0 < treated < nodes:
            raise ValueError(f"train_mask holds {treated} treated of {nodes} nodes; expected some treated and some not")
        if self.e is not None and not ((self.e > 0) & (self.e < 1)).all():
            raise ValueError(f"e ranges from {self.e.min()} to {self.e.max()}; expected values between 0 and 1")

    def to(self, device: torch.device | str) -> "NetworkCausalData":
        """The same data on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value.to(device) for name, value in values.items() if value is not None})

    def describe(self) -> dict[str, float]:
        """Counts, shares and, where the truth is known, mean and variance of the effect on the test nodes.

        Returns:
            ``nodes``, ``features``, ``mean_degree``, ``isolated`` (nodes without neighbours), ``treated`` (share),
            ``train`` and ``test`` (nodes); with tau known ``effect_mean`` and ``effect_variance``.
        """
        n = len(self.x)
        found = {
            "nodes": n,
            "features": self.x.shape[1],
            "mean_degree": self.edge_index.shape[1] / n,
            "isolated": n - len(self.edge_index[0].unique()),
            "treated": self.t.mean().item(),
            "train": int(self.train_mask.sum()),
            "test": int(self.test_mask.sum()),
        }
        if self.tau is not None:
            tested = self.tau[self.test_mask]
            found |= {"effect_mean": tested.mean().item(), "effect_variance": tested.var(correction=0).item()}
        return found


def split_nodes(n: int, test_share: float = 0.3, *, seed: int | np.random.Generator) -> tuple[Tensor, Tensor]:
    """Hold out a random share of the nodes for scoring.

    Args:
        n: number of nodes, >= 2.
        test_share: share held out, between 0 and 1, rounded to whole nodes.
        seed: seed of the choice, or a generator.

    Returns:
        Two masks of shape ``(n,)``: nodes to learn from, nodes to score on.

    Raises:
        ValueError: a share that leaves either side empty.

    Source: none; bookkeeping.
    """
    n_test = round(n * test_share) if 0 < test_share < 1 else 0
    if not 0 < n_test < n:
        raise ValueError(f"test_share is {test_share} and n {n}; expected nodes on both sides")
    test_mask = torch.zeros(n, dtype=torch.bool)
    test_mask[torch.from_numpy(np.random.default_rng(seed).permutation(n)[:n_test])] = True
    return ~test_mask, test_mask


def finite(name: str, value: float | np.ndarray | Tensor) -> Tensor:
    """The value as a float64 tensor, if all of it is finite.

    Args:
        name: what to call it in the message.
        value: numbers of any shape.

    Returns:
        Tensor of the same shape, float64.

    Raises:
        ValueError: NaN or an infinity.

    Source: none; bookkeeping.
    """
    value = torch.as_tensor(value, dtype=torch.float64)
    if not value.isfinite().all():
        raise ValueError(
            f"{name} holds {int((~value.isfinite()).sum())} NaN or infinite values; expected finite numbers"
        )
    return value


def _column(name: str, value: np.ndarray | Tensor, n: int) -> Tensor:
    value = finite(name, value)
    if value.shape != (n,):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected ({n},) as x has {n} rows")
    return value


def _mask(name: str, value: np.ndarray | Tensor, n: int) -> Tensor:
    value = torch.as_tensor(value)
    if value.dtype != torch.bool:
        raise TypeError(f"{name} holds {value.dtype}; expected bool")
    if value.shape != (n,):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected ({n},) as x has {n} rows")
    return value
