"""Cross-fitted nuisances: what outcome and what treatment to expect at a node, without having seen its own.

For every fold of nodes, models of E[Y | X, G] and P(T = 1 | X, G) are fitted to the training nodes outside it and
predict the nodes inside it. A node's predictions thus do not depend, not even through rounding, on the treatments and
outcomes of its own fold, nor on those of held-out nodes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor
from torch.nn import functional as F

from corelib.causal.data import NetworkCausalData
from corelib.causal.folds import NodeFolds, check_folds
from corelib.causal.networks import build_networks, train_networks

CLIP = (0.02, 0.98)


@dataclass(frozen=True, eq=False)
class Nuisances:
    """Predictions for each node by models that did not see it.

    Attributes:
        m_hat: expected outcome given features and graph, units of the outcome, float64, shape ``(n,)``.
        e_hat: probability of treatment, in (0, 1), float64, shape ``(n,)``.
        fold: which fold's models they are from, int64, shape ``(n,)``.

    Raises:
        ValueError: shapes that differ, values that are not finite, or a probability that is 0 or 1.
    """

    m_hat: Tensor
    e_hat: Tensor
    fold: Tensor

    def __post_init__(self):
        shape = self.m_hat.shape
        if len(shape) != 1 or self.e_hat.shape != shape or self.fold.shape != shape:
            shapes = [tuple(v.shape) for v in (self.m_hat, self.e_hat, self.fold)]
            raise ValueError(f"m_hat, e_hat and fold have shapes {shapes}; expected (n,) each")
        if not torch.isfinite(self.m_hat).all():
            raise ValueError("m_hat holds NaN or infinite values; expected finite outcomes")
        outside = ~((self.e_hat > 0) & (self.e_hat < 1))
        if outside.any():
            raise ValueError(
                f"e_hat is {self.e_hat[outside][0]} at one of {int(outside.sum())} nodes; expected values strictly "
                "between 0 and 1: clip them, and doubt the overlap"
            )


def cross_fit(
    data: NetworkCausalData,
    *,
    kind: str = "sage",
    folds: NodeFolds | Tensor | None = NodeFolds(),  # noqa: B008, it is frozen
    hidden: int = 16,
    epochs: int = 100,
    lr: float = 1e-2,
    weight_decay: float = 3e-2,
    clip: tuple[float, float] = CLIP,
    seed: int = 0,
) -> Nuisances:
    """Nuisances by networks: 2 K of them, trained at once, an outcome and a treatment network for each fold.

    Outcomes are standardised by mean and standard deviation of the nodes that a network learns from, no others.

    Args:
        data: features, graph, treatments, outcomes and training nodes.
        kind: what the networks see of the graph: ``"mlp"`` (nothing), ``"gcn"``, ``"sage"`` or ``"gat"``.
        folds: a rule, or the fold of each node, shape ``(n,)``. None for no cross-fitting: each node is predicted by
            networks that learned from all training nodes, which is there to show what it costs.
        hidden: width of the networks' two layers.
        epochs: steps of Adam over the whole graph.
        lr: its learning rate.
        weight_decay: relative to the mean loss.
        clip: least and greatest probability of treatment to report.
        seed: seed of the initial weights, >= 0.

    Returns:
        :class:`Nuisances` for all nodes. Held-out nodes are predicted by the networks of the fold they were given.

    Raises:
        ValueError: a fold with one arm only, or settings out of range.
        FloatingPointError: training diverged.

    Source: Chernozhukov et al. (2018), cross-fitting; chapter 4, lesson 3.
    """
    _require_clip(clip)
    fold, masks = _fold_masks(data, folds)
    k = len(masks)
    y = torch.where(data.train_mask, data.y, 0.0)  # what is held out must not count, nor be able to spoil a sum
    t = torch.where(data.train_mask, data.t, 0.0).float()
    mean = torch.stack([y[mask].mean() for mask in masks])[:, None]
    spread = torch.stack([y[mask].std(correction=0) for mask in masks])[:, None]
    spread = torch.where(spread > 0, spread, 1.0)  # a constant outcome needs no scale
    targets = ((y - mean) / spread).masked_fill(~masks, 0.0).float()

    def loss(outputs: Tensor) -> Tensor:
        squared = (outputs[:k] - targets) ** 2
        logistic = F.binary_cross_entropy_with_logits(outputs[k:], t.expand(k, -1), reduction="none")
        return torch.cat([squared, logistic])

    networks = build_networks(kind, 2 * k, data.x.shape[1], hidden=hidden, seed=seed).to(data.x.device)
    settings = {"epochs": epochs, "lr": lr, "weight_decay": weight_decay}
    train_networks(networks, data.x, data.edge_index, loss, masks.repeat(2, 1), **settings)
    with torch.no_grad():
        outputs = networks(data.x, data.edge_index).double()
    m_hat, e_hat = mean + spread * outputs[:k], torch.sigmoid(outputs[k:])
    return _own_fold(m_hat, e_hat, fold, clip)


def cross_fit_sklearn(
    data: NetworkCausalData,
    outcome_model: Any,
    propensity_model: Any,
    features: np.ndarray | Tensor,
    *,
    folds: NodeFolds | Tensor | None = NodeFolds(),  # noqa: B008, it is frozen
    clip: tuple[float, float] = CLIP,
) -> Nuisances:
    """Nuisances by any regressor and classifier of scikit-learn's kind, on any features.

    Args:
        data: treatments, outcomes, graph and training nodes; its features are used only through ``features``.
        outcome_model: regressor with ``fit`` and ``predict``; cloned for each fold.
        propensity_model: classifier with ``fit`` and ``predict_proba``; cloned for each fold.
        features: what the models see, shape ``(n, f)``: a node's own features, or also those of its surroundings.
        folds: a rule, or the fold of each node, shape ``(n,)``; None for no cross-fitting.
        clip: least and greatest probability of treatment to report; ``(0, 1)`` to leave probabilities as they are.

    Returns:
        :class:`Nuisances` for all nodes.

    Raises:
        ValueError: features of another length or not finite, and as :func:`cross_fit`.

    Source: Chernozhukov et al. (2018), cross-fitting.
    """
    _require_clip(clip)
    fold, masks = _fold_masks(data, folds)
    features, y, t = (np.asarray(v, dtype=np.float64) for v in (features, data.y, data.t))
    if features.ndim != 2 or len(features) != len(y) or not np.isfinite(features).all():
        raise ValueError(f"features has shape {features.shape}; expected ({len(y)}, f), all finite")
    m_hat, e_hat = torch.empty(2, len(masks), len(y), dtype=torch.float64)
    for k, mask in enumerate(masks.numpy()):
        outcome = clone(outcome_model).fit(features[mask], y[mask])
        propensity = clone(propensity_model).fit(features[mask], t[mask].astype(int))
        m_hat[k] = torch.from_numpy(outcome.predict(features))
        e_hat[k] = torch.from_numpy(propensity.predict_proba(features)[:, 1])
    return _own_fold(m_hat, e_hat, fold, clip)


def _fold_masks(data: NetworkCausalData, folds: NodeFolds | Tensor | None) -> tuple[Tensor, Tensor]:
    """The fold of each node, ``(n,)``, and the nodes that each fold's models learn from, ``(K, n)``."""
    train_mask, t = data.train_mask.cpu(), data.t.cpu()  # folds are dealt out on the CPU
    if folds is None:
        fold, masks = torch.zeros(len(t), dtype=torch.int64), train_mask[None]
    else:
        if isinstance(folds, NodeFolds):
            fold = folds.assign(data.edge_index.cpu(), train_mask, t)
        else:
            fold = check_folds(folds, train_mask, t)
        masks = torch.stack([train_mask & (fold != k) for k in range(int(fold.max()) + 1)])
    return fold.to(data.x.device), masks.to(data.x.device)


def _own_fold(m_hat: Tensor, e_hat: Tensor, fold: Tensor, clip: tuple[float, float]) -> Nuisances:
    """Of the predictions ``(K, n)`` by all folds' models, each node's by its own fold's."""
    m_hat, e_hat = (values.gather(0, fold[None])[0] for values in (m_hat, e_hat))
    return Nuisances(m_hat, e_hat.clamp(*clip), fold)


def _require_clip(clip: tuple[float, float]) -> None:
    if len(clip) != 2 or not 0 <= clip[0] < clip[1] <= 1:
        raise ValueError(f"clip is {clip}; expected two increasing numbers from 0 to 1")
