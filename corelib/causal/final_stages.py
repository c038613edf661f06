"""The R-loss and what minimises it: final stages of the R-learner, from one constant to a network over the graph.

With y the residual of the outcome and t that of the treatment, y_i = t_i tau_i + noise. A *final stage* turns this into
an effect for every node. All of them minimise the same R-loss, and differ in what they can express and in how much of
the graph they see.

A final stage is a scikit-learn estimator with ``fit(data, y_residual, t_residual)``, which learns from the training
nodes of the data only, and ``effect(data)``, which gives the effect at every node.
"""

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted, has_fit_parameter
from torch import Tensor

from corelib.causal.data import NetworkCausalData
from corelib.causal.graphs import mean_operator, propagate, require_integer
from corelib.causal.networks import build_networks, train_networks


def r_loss(y_residual: Tensor, t_residual: Tensor, tau: Tensor | float, mask: Tensor | None = None) -> Tensor:
    """Mean of (y_i - t_i tau_i)^2 over nodes; gradients pass through.

    With the true nuisances its expectation is that of the true effect plus the mean of e (1 - e) (tau - tau*)^2.

    Args:
        y_residual: outcome minus its prediction, shape ``(n,)``, units of the outcome.
        t_residual: treatment minus its propensity, shape ``(n,)``.
        tau: effects, shape ``(n,)``, or one number for all nodes, units of the outcome.
        mask: nodes that count, bool, shape ``(n,)``; all when not given.

    Returns:
        The loss, a scalar, units of the outcome squared.

    Raises:
        ValueError: shapes that differ, a mask that is not bool or selects nothing, or a loss that is not finite.

    Source: Nie and Wager (2021), the R-loss.
    """
    y, t, mask = _require_residuals(y_residual, t_residual, mask)
    tau = torch.as_tensor(tau, dtype=y.dtype, device=y.device)
    if tau.ndim and tau.shape != y_residual.shape:
        raise ValueError(f"tau has shape {tuple(tau.shape)}; expected {tuple(y_residual.shape)} or one number")
    loss = ((y - t * (tau[mask] if tau.ndim else tau)) ** 2).mean()
    if not loss.isfinite():
        raise ValueError(f"tau gives a loss of {loss.item()}; expected finite effects")
    return loss


def constant_effect(y_residual: Tensor, t_residual: Tensor, mask: Tensor | None = None) -> Tensor:
    """The one number that minimises the R-loss: sum y t / sum t^2.

    Args:
        y_residual: outcome minus its prediction, shape ``(n,)``, units of the outcome.
        t_residual: treatment minus its propensity, shape ``(n,)``.
        mask: nodes that count, bool, shape ``(n,)``; all when not given.

    Returns:
        The effect, a scalar, units of the outcome.

    Raises:
        ValueError: as :func:`r_loss`, or treatment residuals that are all 0.

    Source: Robinson (1988).
    """
    y, t, _ = _require_residuals(y_residual, t_residual, mask)
    return (y @ t) / (t @ t)


def neighbourhood_features(data: NetworkCausalData, hops: int) -> Tensor:
    """Own features, then neighbours' means of them, then means of these means: [X, P X, P^2 X, ...].

    Args:
        data: features of n nodes, and the graph.
        hops: how far to look, >= 0; 0 for own features only.

    Returns:
        Features, float64, shape ``(n, (hops + 1) d)``.

    Raises:
        ValueError: ``hops`` < 0 or not an integer.

    Source: chapter 4, lesson 2.
    """
    require_integer("hops", hops, 0)
    if hops == 0:
        return data.x
    return torch.cat(propagate(mean_operator(data.edge_index, len(data.x)), data.x, hops), 1)


class ConstantEffect(BaseEstimator):
    """Final stage: the same effect for every node.

    Attributes:
        effect_: that effect, units of the outcome.

    Source: Robinson (1988).
    """

    def fit(self, data: NetworkCausalData, y_residual: Tensor, t_residual: Tensor) -> "ConstantEffect":
        """Learn from the training nodes; residuals have shape ``(n,)``."""
        self.effect_ = constant_effect(y_residual, t_residual, data.train_mask).item()
        return self

    def effect(self, data: NetworkCausalData) -> Tensor:
        """The effect at every node, shape ``(n,)``."""
        check_is_fitted(self)
        return torch.full_like(data.y, self.effect_)


class LinearEffect(BaseEstimator):
    """Final stage: effects linear in own features, or also in neighbours' means of them.

    Minimises sum (y_i - t_i (phi_i . w + c))^2 + alpha |w|^2, with the features phi scaled to standard deviation 1 over
    the training nodes. The constant c costs nothing: it is what remains of the effect if features explain none of it.

    Args:
        hops: how far features are gathered, >= 0; 0 is blind to the graph.
        intercept: whether c is there. Without it a mean effect cannot be expressed by features of mean zero.
        alpha: strength of the penalty, >= 0.

    Attributes:
        coef_: w per unit of the unscaled features, shape ``((hops + 1) d,)``.
        intercept_: the effect where all unscaled features are 0, units of the outcome.

    Source: Nie and Wager (2021), the linear case; chapter 4, lesson 2.
    """

    def __init__(self, hops: int = 0, *, intercept: bool = True, alpha: float = 1.0):
        self.hops = hops
        self.intercept = intercept
        self.alpha = alpha

    def fit(self, data: NetworkCausalData, y_residual: Tensor, t_residual: Tensor) -> "LinearEffect":
        """Learn from the training nodes; residuals have shape ``(n,)``.

        Raises:
            ValueError: ``alpha`` negative or not finite, or residuals that do not fit.
        """
        if not 0 <= self.alpha < float("inf"):
            raise ValueError(f"alpha is {self.alpha}; expected a finite number >= 0")
        y, t, mask = _require_residuals(y_residual, t_residual, data.train_mask)
        phi = neighbourhood_features(data, self.hops)[mask]
        # To subtract the mean changes nothing but rounding if there is a constant, and would add one if there is none.
        mean = phi.mean(0) if self.intercept else torch.zeros_like(phi[0])
        scale = phi.std(0, correction=0)
        scale = torch.where(scale > 1e-12 * phi.abs().amax(0), scale, 1.0)  # a constant column has no scale
        columns = torch.cat([(phi - mean) / scale, torch.ones_like(phi[:, :1])], 1)[:, : None if self.intercept else -1]
        penalty = self.alpha**0.5 * torch.eye(len(scale), columns.shape[1], dtype=phi.dtype)  # no row for the constant
        design = torch.cat([t[:, None] * columns, penalty])
        target = torch.cat([y, torch.zeros(len(penalty), dtype=y.dtype)])
        # The driver that bears columns which depend on each other.
        solution = torch.linalg.lstsq(design, target[:, None], driver="gelsd").solution[:, 0]
        self.coef_ = solution[: len(scale)] / scale
        self.intercept_ = (solution[-1] - mean @ self.coef_).item() if self.intercept else 0.0
        return self

    def effect(self, data: NetworkCausalData) -> Tensor:
        """The effect at every node, shape ``(n,)``."""
        check_is_fitted(self)
        return neighbourhood_features(data, self.hops) @ self.coef_ + self.intercept_


class WeightedEffect(BaseEstimator):
    """Final stage: any regressor, fitted to y_i / t_i with weights t_i^2, which is the R-loss written differently.

    Args:
        regressor: of scikit-learn's kind; its ``fit`` takes ``sample_weight``. Left as it is; a clone is fitted.
        hops: how far features are gathered, >= 0; 0 is blind to the graph.

    Attributes:
        regressor_: the fitted clone.

    Source: Nie and Wager (2021); Robinson (1988).
    """

    def __init__(self, regressor: Any, hops: int = 0):
        self.regressor = regressor
        self.hops = hops

    def fit(self, data: NetworkCausalData, y_residual: Tensor, t_residual: Tensor) -> "WeightedEffect":
        """Learn from the training nodes; residuals have shape ``(n,)``.

        Raises:
            ValueError: treatment residuals of 0, which leave no ratio, or residuals that do not fit.
            TypeError: a regressor that knows no weights.
        """
        if not has_fit_parameter(self.regressor, "sample_weight"):
            raise TypeError(f"regressor is {self.regressor!r}; expected one whose fit takes sample_weight")
        y, t, mask = _require_residuals(y_residual, t_residual, data.train_mask)
        if (t == 0).any():
            raise ValueError(f"t_residual is 0 at {int((t == 0).sum())} nodes; expected values other than 0")
        phi = neighbourhood_features(data, self.hops)[mask].numpy()
        self.regressor_ = clone(self.regressor).fit(phi, (y / t).numpy(), sample_weight=t.square().numpy())
        return self

    def effect(self, data: NetworkCausalData) -> Tensor:
        """The effect at every node, shape ``(n,)``."""
        check_is_fitted(self)
        found = self.regressor_.predict(neighbourhood_features(data, self.hops).numpy())
        return torch.from_numpy(np.asarray(found, dtype=np.float64))


class NetworkEffect(BaseEstimator):
    """Final stage: a network trained by gradient descent on the R-loss, from the constant effect on.

    The effect is c + s g(X, G): c is the best constant, s the scale of what it leaves over, g a network that starts
    near zero. The loss is the R-loss as a share of the constant's, so it starts near 1. It is a noisy target: with
    little weight decay g ends up worse than the constant, with too much it never leaves it.

    Args:
        kind: what the network sees of the graph: ``"mlp"`` (nothing), ``"gcn"``, ``"sage"`` or ``"gat"``.
        hidden: width of its two layers.
        epochs: steps of Adam over the whole graph.
        lr: its learning rate.
        weight_decay: relative to that loss.
        seed: seed of the initial weights, >= 0.

    Attributes:
        constant_: c, units of the outcome.
        scale_: s, units of the outcome.
        network_: g.
        history_: R-loss over that of the constant, before each step; shape ``(epochs,)``.

    Source: Sairam et al. (2025), the graph final stage; chapter 4, lesson 2, for start and scale.
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

    def fit(self, data: NetworkCausalData, y_residual: Tensor, t_residual: Tensor) -> "NetworkEffect":
        """Learn from the training nodes; residuals have shape ``(n,)``.

        Raises:
            ValueError: residuals that do not fit, or settings out of range.
            FloatingPointError: training diverged.
        """
        y, t, mask = _require_residuals(y_residual, t_residual, data.train_mask)
        self.constant_ = constant_effect(y, t).item()
        rest = y - self.constant_ * t
        size = t.square().mean().sqrt()
        self.scale_ = (rest.square().mean().sqrt() / size).item() or 1.0  # nothing may be left over
        target, slope = torch.zeros(2, len(mask))  # 0 outside the training nodes, whatever the residuals are there
        target[mask], slope[mask] = (rest / (self.scale_ * size)).float(), (t / size).float()
        self.network_ = build_networks(self.kind, 1, data.x.shape[1], hidden=self.hidden, seed=self.seed)
        settings = {"epochs": self.epochs, "lr": self.lr, "weight_decay": self.weight_decay}
        history = train_networks(
            self.network_, data.x, data.edge_index, lambda g: (target - slope * g) ** 2, mask[None], **settings
        )
        self.history_ = history[:, 0]
        return self

    def effect(self, data: NetworkCausalData) -> Tensor:
        """The effect at every node, shape ``(n,)``."""
        check_is_fitted(self)
        with torch.no_grad():
            return self.constant_ + self.scale_ * self.network_(data.x, data.edge_index)[0].double()


def _require_residuals(y_residual: Tensor, t_residual: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both residuals at the nodes of the mask, and the mask; those at other nodes are not looked at."""
    if y_residual.ndim != 1 or t_residual.shape != y_residual.shape:
        shapes = f"{tuple(y_residual.shape)} and {tuple(t_residual.shape)}"
        raise ValueError(f"y_residual and t_residual have shapes {shapes}; expected (n,) both")
    mask = torch.ones_like(y_residual, dtype=torch.bool) if mask is None else mask
    if mask.dtype != torch.bool or mask.shape != y_residual.shape:
        expected = f"bool ({len(y_residual)},)"
        raise ValueError(f"mask has dtype {mask.dtype} and shape {tuple(mask.shape)}; expected {expected}")
    if not mask.any():
        raise ValueError(f"mask selects none of {len(mask)} nodes; expected at least one")
    y, t = y_residual[mask].double(), t_residual[mask].double()
    for name, values in (("y_residual", y), ("t_residual", t)):
        if not values.isfinite().all():
            bad = int((~values.isfinite()).sum())
            raise ValueError(f"{name} holds {bad} NaN or infinite values; expected finite ones")
    if not t.any():
        raise ValueError(f"t_residual is 0 at all {len(t)} nodes; expected some that differ from their propensity")
    return y, t, mask
