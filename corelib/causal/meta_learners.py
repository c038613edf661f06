"""Effects as differences of predicted outcomes, the alternatives that the R-learner is measured against.

A T-learner has one network for each arm. An S-learner has a single network to which the treatment is one more feature.
"""

from collections.abc import Callable

import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from corelib.causal.data import NetworkCausalData
from corelib.causal.graphs import require_integer
from corelib.causal.networks import build_networks, train_networks

FLIPS = ("unit", "global")


class NetworkTLearner(BaseEstimator):
    """Two networks, one that learns from the treated nodes and one from the others; the effect is their difference.

    Each arm's outcomes are standardised by the mean and standard deviation of its own training nodes.

    Args:
        kind: what the networks see of the graph: ``"mlp"`` (nothing), ``"gcn"``, ``"sage"`` or ``"gat"``.
        hidden: width of their two layers.
        epochs: steps of Adam over the whole graph.
        lr: its learning rate.
        weight_decay: relative to the mean loss.
        seed: seed of the initial weights, >= 0.

    Attributes:
        networks_: both networks, untreated first.
        mean_: mean outcome of each arm, shape ``(2, 1)``, units of the outcome.
        spread_: its standard deviation.
        data_: the data it was fitted to.

    Source: Kuenzel et al. (2019).
    """

    def __init__(
        self,
        kind: str = "sage",
        *,
        hidden: int = 16,
        epochs: int = 150,
        lr: float = 1e-2,
        weight_decay: float = 1e-1,
        seed: int = 0,
    ):
        self.kind = kind
        self.hidden = hidden
        self.epochs = epochs
        self.lr = lr
        self.weight_decay = weight_decay
        self.seed = seed

    def fit(self, data: NetworkCausalData) -> "NetworkTLearner":
        """Learn from the training nodes.

        Raises:
            ValueError: settings out of range.
            FloatingPointError: training diverged.
        """
        masks = torch.stack([data.train_mask & (data.t == arm) for arm in (0, 1)])
        target, self.mean_, self.spread_ = _standardise(data.y, masks)
        self.networks_ = build_networks(self.kind, 2, data.x.shape[1], hidden=self.hidden, seed=self.seed)
        settings = {"epochs": self.epochs, "lr": self.lr, "weight_decay": self.weight_decay}
        train_networks(self.networks_, data.x, data.edge_index, lambda out: (out - target) ** 2, masks, **settings)
        self.data_ = data
        return self

    def outcomes(self, data: NetworkCausalData | None = None) -> Tensor:
        """Expected outcome of every node untreated and treated, shape ``(2, n)``; of the data fitted to by default."""
        check_is_fitted(self)
        data = self.data_ if data is None else data
        with torch.no_grad():
            return self.mean_ + self.spread_ * self.networks_(data.x, data.edge_index).double()

    def effect(self, data: NetworkCausalData | None = None) -> Tensor:
        """The effect at every node, float64, shape ``(n,)``, units of the outcome; of the data fitted to by default."""
        untreated, treated = self.outcomes(data)
        return treated - untreated


class NetworkSLearner(BaseEstimator):
    """One network with the treatment as a feature; the effect is what it predicts with and without treatment.

    Messages carry the treatments of neighbours too. So a node's own effect is had by changing *its* treatment alone,
    "unit"; to change everyone's at once, "global", tells what a policy for all would do to the node, which is another
    question. Treatments of held-out nodes are withheld: the network sees the treated share of the training nodes there.

    Args:
        kind: what the network sees of the graph: ``"mlp"`` (nothing; then both flips agree), ``"gcn"``, ``"sage"`` or
            ``"gat"``.
        flip: ``"unit"`` or ``"global"``.
        hidden: width of its two layers.
        epochs: steps of Adam over the whole graph.
        lr: its learning rate.
        weight_decay: relative to the mean loss.
        seed: seed of the initial weights, >= 0.

    Attributes:
        network_: the network, whose last input is the treatment.
        mean_: mean outcome of the training nodes, shape ``(1, 1)``, units of the outcome.
        spread_: its standard deviation.
        data_: the data it was fitted to.

    Source: Kuenzel et al. (2019); the global flip is that of the code released with Sairam et al. (2025).
    """

    def __init__(
        self,
        kind: str = "sage",
        *,
        flip: str = "unit",
        hidden: int = 16,
        epochs: int = 150,
        lr: float = 1e-2,
        weight_decay: float = 1e-2,
        seed: int = 0,
    ):
        self.kind = kind
        self.flip = flip
        self.hidden = hidden
        self.epochs = epochs
        self.lr = lr
        self.weight_decay = weight_decay
        self.seed = seed

    def fit(self, data: NetworkCausalData) -> "NetworkSLearner":
        """Learn from the training nodes.

        Raises:
            ValueError: settings out of range.
            FloatingPointError: training diverged.
        """
        _require_flip(self.flip)
        mask = data.train_mask[None]
        target, self.mean_, self.spread_ = _standardise(data.y, mask)
        inputs = torch.cat([data.x, _visible_treatment(data)[:, None]], 1)
        self.network_ = build_networks(self.kind, 1, inputs.shape[1], hidden=self.hidden, seed=self.seed)
        settings = {"epochs": self.epochs, "lr": self.lr, "weight_decay": self.weight_decay}
        train_networks(self.network_, inputs, data.edge_index, lambda out: (out - target) ** 2, mask, **settings)
        self.data_ = data
        return self

    def effect(self, data: NetworkCausalData | None = None) -> Tensor:
        """The effect at every node, float64, shape ``(n,)``, units of the outcome; of the data fitted to by default.

        The unit flip takes two passes over the graph for each node: n^2 in time.
        """
        check_is_fitted(self)
        data = self.data_ if data is None else data

        def predict(treatments: Tensor) -> Tensor:
            inputs = torch.cat([data.x.expand(len(treatments), -1, -1), treatments[:, :, None]], 2)
            with torch.no_grad():
                return self.network_(inputs, data.edge_index).double()

        return self.spread_[0] * treatment_contrast(predict, _visible_treatment(data), flip=self.flip)


def treatment_contrast(
    predict: Callable[[Tensor], Tensor], t: Tensor, *, flip: str = "unit", batch: int = 32
) -> Tensor:
    """What a model of outcomes under given treatments says about the effect at each node.

    Args:
        predict: takes B assignments of treatments to all nodes, ``(B, n)``, and gives the outcomes, ``(B, n)``.
        t: treatments that stay as they are while a node's own is changed, shape ``(n,)``.
        flip: ``"unit"``: the node treated minus untreated, all others as in ``t``. ``"global"``: all nodes treated
            minus none; ``t`` plays no part.
        batch: assignments to predict at once.

    Returns:
        Effects, shape ``(n,)``, units of the outcome.

    Raises:
        ValueError: an unknown flip, a batch < 1, or treatments of another shape.

    Source: chapter 4, lesson 1.
    """
    _require_flip(flip)
    require_integer("batch", batch, 1)
    if t.ndim != 1:
        raise ValueError(f"t has shape {tuple(t.shape)}; expected (n,)")
    if flip == "global":
        untreated, treated = predict(torch.stack([torch.zeros_like(t), torch.ones_like(t)]))
        return treated - untreated
    effects = []
    for nodes in torch.arange(len(t)).split(batch):
        rows = torch.arange(len(nodes))
        treated, untreated = t.repeat(len(nodes), 1), t.repeat(len(nodes), 1)
        treated[rows, nodes], untreated[rows, nodes] = 1, 0
        effects.append((predict(treated) - predict(untreated))[rows, nodes])
    return torch.cat(effects)


def _standardise(y: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each of M masks the outcome minus its mean by its spread over the mask, 0 elsewhere; mean; spread."""
    mean = torch.stack([y[mask].mean() for mask in masks])[:, None]
    spread = torch.stack([y[mask].std(correction=0) for mask in masks])[:, None]
    spread = torch.where(spread > 0, spread, 1.0)  # a constant outcome needs no scale
    return ((y - mean) / spread).masked_fill(~masks, 0.0).float(), mean, spread


def _visible_treatment(data: NetworkCausalData) -> Tensor:
    return torch.where(data.train_mask, data.t, data.t[data.train_mask].mean())


def _require_flip(flip: str) -> None:
    if flip not in FLIPS:
        raise ValueError(f"flip is {flip!r}; expected one of {', '.join(FLIPS)}")
