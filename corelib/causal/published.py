"""The five methods as released with Sairam et al. (2025), kept as they are, weaknesses included.

Here to be measured, not to be used: :mod:`corelib.causal.r_learner` and :mod:`corelib.causal.meta_learners` have the
corrected methods, :mod:`corelib.causal.published_data` the released simulation. What is kept on purpose:

- the graph-blind final stage has an intercept for the outcome and none for the effect;
- the "T-Learner" is one network with the treatment as an input, and flips the treatment of all nodes at once;
- 200 steps of Adam at 1e-3 move a parameter by 0.2 or so, too little for a bias to reach the mean effect of 2;
- outcomes are not standardised, estimated propensities are not clipped, nothing decays;
- nodes are scored that were fitted.

Random numbers are drawn in the order of the released code: for one seed its errors and those here agree to the digits
that rounding leaves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from torch import Tensor, nn
from torch.nn import functional as F

from corelib.causal.data import NetworkCausalData, finite
from corelib.causal.diagnostics import cate_mse
from corelib.causal.graphs import require_integer
from corelib.causal.published_data import NOISE, check_choices, gcn_layer, lent_streams, simulate_published

METHODS = {  # name in the paper: networks of the nuisances, final stage
    "Baseline": ("mlp", "linear"),
    "Ablation": ("gcn", "linear"),
    "Sanity": ("mlp", "gcn"),
    "Graph R-Learner": ("gcn", "gcn"),
}
S_LEARNER = "T-Learner"  # what the paper calls it
HIDDEN, FOLDS, FOLD_SEED = 32, 2, 42
EPOCHS, FINAL_EPOCHS, LEARNING_RATE, RIDGE = 150, 200, 1e-3, 0.1


@dataclass(frozen=True, eq=False)
class PublishedGrid:
    """One seed of the published comparison.

    Attributes:
        data: what was simulated. All nodes are training nodes, and they are the ones that are scored.
        residuals: for nuisances of each kind, ``"mlp"`` and ``"gcn"``, the residuals of y and of t, shape ``(n,)``:
            what further final stages need that are to be compared on the same footing.
        effects: estimated effects of each method, named as in the paper, units of y, shape ``(n,)``.
    """

    data: NetworkCausalData
    residuals: dict[str, tuple[Tensor, Tensor]]
    effects: dict[str, Tensor]

    def errors(self) -> dict[str, float]:
        """Mean squared error of each method's effects at the nodes it was fitted to, units of y squared."""
        return {method: cate_mse(effect, self.data.tau) for method, effect in self.effects.items()}


def published_grid(
    seed: int,
    graph: str = "ba",
    effect: str = "simple_h",
    *,
    n: int | None = None,
    noise: float = NOISE,
    lr: float = LEARNING_RATE,
) -> PublishedGrid:
    """Simulate once and run the five methods of the paper.

    Args:
        seed: seed of the draw and of all initial weights, from 0 to 2^32 - 1.
        graph: as :func:`published_simulation`.
        effect: as :func:`published_simulation`.
        n: as :func:`published_simulation`.
        noise: as :func:`published_simulation`.
        lr: learning rate of all networks, > 0; the published one by default.

    Returns:
        A :class:`PublishedGrid`: data, residuals, and effects of "Baseline", "Ablation", "Sanity", "Graph R-Learner"
        and "T-Learner".

    Raises:
        ValueError: as :func:`published_simulation`; or a learning rate that is not positive.

    Source: Sairam et al. (2025), released code; chapter 4, lesson 1.
    """
    _require_rate(lr)
    check_choices(seed, graph, effect, n, noise)
    with lent_streams(seed):  # one stream for drawing and fitting, as released
        data = simulate_published(graph, effect, n, noise)
        residuals = {kind: _cross_fitted_residuals(data, kind, lr) for kind in ("mlp", "gcn")}
        finals = {kind: _network_stage(data, *residuals[kind], lr) for kind in residuals}
        s_learner = _global_flip(data, lr)
    effects = {
        method: finals[kind] if final == "gcn" else published_linear_no_intercept(data.x, *residuals[kind])
        for method, (kind, final) in METHODS.items()
    }
    return PublishedGrid(data, residuals, effects | {S_LEARNER: s_learner})


def published_linear_no_intercept(x: Tensor, y_residual: Tensor, t_residual: Tensor, alpha: float = RIDGE) -> Tensor:
    """The graph-blind final stage: ridge regression of residuals of y on residuals of t times features.

    Two weaknesses, both kept. No column for t alone, so that the effect is x.theta without a constant: with centred
    features its squared error is at least the square of the mean effect. And the regression's own intercept, which
    belongs to the outcome, is added to the effect.

    Args:
        x: features, shape ``(n, d)``.
        y_residual: outcome minus its prediction, units of y, shape ``(n,)``.
        t_residual: treatment minus its predicted probability, shape ``(n,)``.
        alpha: penalty on theta, > 0.

    Returns:
        Effects at the same nodes, units of y, float64, shape ``(n,)``.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, or a penalty that is not positive.

    Source: Sairam et al. (2025), released code; chapter 4, lesson 1.
    """
    x, y, t = finite("x", x), finite("y_residual", y_residual), finite("t_residual", t_residual)
    if x.ndim != 2 or y.shape != x.shape[:1] or t.shape != x.shape[:1]:
        shapes = ", ".join(str(tuple(value.shape)) for value in (x, y, t))
        raise ValueError(f"x, y_residual, t_residual have shapes {shapes}; expected (n, d), (n,), (n,)")
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha is {alpha}; expected a number > 0")
    model = Ridge(alpha=alpha).fit((t[:, None] * x).numpy(), y.numpy())
    return torch.from_numpy(model.predict(x.numpy()))


def published_global_flip_s_learner(data: NetworkCausalData, *, lr: float = LEARNING_RATE, seed: int) -> Tensor:
    """What the paper calls "T-Learner": one network of features and treatment, all treatments flipped at once.

    The network passes the treatment on to neighbours, in training and in prediction. Its contrast is that of a policy,
    everyone treated minus no one treated, not the effect of a node's own treatment. (A T-learner has two networks, one
    for each treatment.) It takes 150 steps whatever was asked for.

    Args:
        data: features, graph, treatments and outcomes; all nodes are fitted.
        lr: learning rate, > 0; the published one by default.
        seed: seed of the initial weights, >= 0.

    Returns:
        Effects at all nodes, units of y, float64, shape ``(n,)``.

    Raises:
        ValueError: a learning rate that is not positive, or a seed that is no integer >= 0.

    Source: Sairam et al. (2025), released code; chapter 4, lesson 1.
    """
    _require_rate(lr)
    require_integer("seed", seed, 0)
    apart = np.random.SeedSequence((seed, 1)).generate_state(1)  # shares no numbers with data drawn from the same seed
    with lent_streams(int(apart[0])):
        return _global_flip(data, lr)


class _Network(nn.Module):
    # "mlp": two hidden layers of 32; "gcn": two graph convolutions, the second of which gives the output.
    def __init__(self, kind: str, in_features: int):
        super().__init__()
        if kind == "mlp":
            widths = (in_features, HIDDEN, HIDDEN, 1)
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        else:
            self.layers = nn.ModuleList([gcn_layer(in_features, HIDDEN), gcn_layer(HIDDEN, 1)])
        self.graph = kind == "gcn"

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(torch.relu(x) if i else x, *([edge_index] if self.graph else []))
        return x.squeeze(-1)


def _cross_fitted_residuals(data: NetworkCausalData, kind: str, lr: float) -> tuple[Tensor, Tensor]:
    x, y, t = data.x.float(), data.y.float(), data.t.float()
    m_hat, e_hat = torch.empty_like(y), torch.empty_like(y)
    for learn, predict in KFold(FOLDS, shuffle=True, random_state=FOLD_SEED).split(x):
        outcome = _train(kind, x, data.edge_index, lambda out, i=learn: F.mse_loss(out[i], y[i]), EPOCHS, lr)
        treatment = _train(
            kind, x, data.edge_index, lambda out, i=learn: F.binary_cross_entropy_with_logits(out[i], t[i]), EPOCHS, lr
        )
        with torch.no_grad():
            m_hat[predict] = outcome(x, data.edge_index)[predict]
            e_hat[predict] = torch.sigmoid(treatment(x, data.edge_index))[predict]
    return (y - m_hat).double(), (t - e_hat).double()


def _network_stage(data: NetworkCausalData, y_residual: Tensor, t_residual: Tensor, lr: float) -> Tensor:
    x, y, t = data.x.float(), y_residual.float(), t_residual.float()
    network = _train("gcn", x, data.edge_index, lambda tau: F.mse_loss(t * tau, y), FINAL_EPOCHS, lr)
    with torch.no_grad():
        return network(x, data.edge_index).double()


def _global_flip(data: NetworkCausalData, lr: float) -> Tensor:
    x, y = data.x.float(), data.y.float()

    def with_treatment(t: Tensor) -> Tensor:
        return torch.cat([x, t[:, None]], 1)

    inputs = with_treatment(data.t.float())
    network = _train("gcn", inputs, data.edge_index, lambda out: F.mse_loss(out, y), EPOCHS, lr)
    with torch.no_grad():
        treated, untreated = (
            network(with_treatment(t), data.edge_index) for t in (torch.ones(len(x)), torch.zeros(len(x)))
        )
    return (treated - untreated).double()


def _train(
    kind: str, x: Tensor, edge_index: Tensor, loss: Callable[[Tensor], Tensor], epochs: int, lr: float
) -> nn.Module:
    network = _Network(kind, x.shape[1])
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss(network(x, edge_index)).backward()
        optimizer.step()
    return network


def _require_rate(lr: float) -> None:
    if not 0 < lr < math.inf:
        raise ValueError(f"lr is {lr}; expected a number > 0")
