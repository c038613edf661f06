"""Network data whose treatment effect depends on a node's neighbours, with the truth at hand.

No interference: a node's outcome depends on its own treatment only. Neighbours' features change the effect, the outcome
without treatment and the chance of being treated; neighbours' treatments change nothing.
"""

import math

import numpy as np
import torch
from torch import Tensor

from corelib.causal.data import NetworkCausalData, finite, split_nodes
from corelib.causal.graphs import check_graph, make_graph, mean_operator, propagate, require_integer

EFFECT_HOPS = {"local": 0, "neighbour": 1, "two_hop": 2, "three_hop": 3}  # how far away the feature is that decides
EFFECTS = (*EFFECT_HOPS, "none")
BASELINES = {"simple": 3, "complex": 7}  # features that each one needs
OVERLAP = 0.05  # every node is treated with a probability between this and one minus this


def simulate_network_cate(
    kind: str | None = "ba",
    n: int | None = None,
    d: int | None = None,
    *,
    effect: str = "neighbour",
    baseline: str = "complex",
    amplitude: float = 2.2,
    tau0: float = 1.0,
    confounding: float = 1.0,
    noise: float = 1.0,
    treat_logit: float = -0.8,
    x: np.ndarray | Tensor | None = None,
    edge_index: np.ndarray | Tensor | None = None,
    seed: int,
) -> NetworkCausalData:
    """Draw a study in which neighbours decide about effect, outcome and treatment.

    With P the mean over neighbours, z the standard score over all nodes and c = z(P X_1):

    - effect tau = ``tau0`` + ``amplitude`` * z(P^r X_0), with r = 0 (``"local"``), 1 (``"neighbour"``), 2 or 3;
    - treatment with probability e = sigmoid(``treat_logit`` + X_2 / 2 + c), kept within [0.05, 0.95];
    - outcome b + T tau + noise, where with k = ``confounding`` b = k c + X_1 (``"simple"``) or
      b = k (c + 2 |c|) + X_1 + 2 sin(2 X_3) 1{X_4 > 0} + 1.5 X_5 |X_6| (``"complex"``).

    Three in ten nodes are held out. One seed gives the same features, graph and split whatever the other choices are.

    Args:
        kind: kind of graph, as :func:`~corelib.causal.graphs.make_graph` takes it; None if ``edge_index`` is given.
        n: number of nodes; None for 800 or what ``x`` has.
        d: number of features; None for 8 or what ``x`` has. At least 3, for the complex baseline 7.
        effect: ``"neighbour"``, ``"local"``, ``"two_hop"``, ``"three_hop"`` or ``"none"`` (tau = ``tau0`` for all).
        baseline: ``"complex"`` or ``"simple"``.
        amplitude: standard deviation of the effect over nodes, units of y.
        tau0: mean effect, units of y.
        confounding: weight of what the neighbours bring into the outcome without treatment.
        noise: standard deviation of the outcome's noise, >= 0, units of y.
        treat_logit: logit of an average node's propensity; at -0.8 about a third is treated.
        x: features to use in place of independent standard normal ones, shape ``(n, d)``.
        edge_index: graph to use in place of a random one, shape ``(2, 2E)``; ``kind`` must be None.
        seed: seed of everything drawn, >= 0.

    Returns:
        The data with tau, m = b + e tau and e. The floor is that of :func:`blind_floor` for the standard score: its
        mean is at most ``amplitude^2``, the variance of tau. It is None with ``x`` given, since it takes features that
        are independent and standard normal.

    Raises:
        ValueError: an unknown name, sizes that do not fit, a number out of range, both or neither of ``kind`` and
            ``edge_index``, neighbour means that do not vary, or a draw that leaves the training nodes one treatment.

    Source: chapter 4, lesson 2; a correction of the simulation released with Sairam et al. (2025).
    """
    numbers = {"amplitude": amplitude, "tau0": tau0, "confounding": confounding, "treat_logit": treat_logit}
    _check_choices(effect, baseline, noise, numbers | {"noise": noise})
    require_integer("seed", seed, 0)
    if (kind is None) == (edge_index is None):
        raise ValueError(f"kind is {kind!r} and edge_index is {type(edge_index).__name__}; expected one of them only")
    rng = np.random.default_rng(seed)
    given = x is not None
    if given:
        x = finite("x", x)
    else:
        x = torch.from_numpy(rng.standard_normal((800 if n is None else n, 8 if d is None else d)))
    _check_sizes(x, n, d, baseline)
    n = len(x)
    uniform, errors = torch.from_numpy(rng.random(n)), torch.from_numpy(rng.standard_normal(n))
    train_mask, test_mask = split_nodes(n, seed=rng)
    edge_index = make_graph(kind, n, seed=seed) if edge_index is None else check_graph(edge_index, n)

    P = mean_operator(edge_index, n)
    c = _standard_score("feature 1 averaged over 1 hop", P @ x[:, 1])
    tau, floor = _effect(effect, P, x[:, 0], amplitude, tau0)
    e = torch.sigmoid(treat_logit + 0.5 * x[:, 2] + c).clamp(OVERLAP, 1 - OVERLAP)
    t = (uniform < e).double()
    b = _baseline(baseline, x, c, confounding)
    y = b + t * tau + noise * errors
    truth = {"tau": tau, "m": b + e * tau, "e": e, "floor": None if given else floor}
    return NetworkCausalData(x, edge_index, t, y, train_mask, test_mask, **truth)


def _effect(effect: str, P: Tensor, x: Tensor, amplitude: float, tau0: float) -> tuple[Tensor, Tensor]:
    if effect == "none":
        return torch.full_like(x, tau0), torch.zeros_like(x)
    hops = EFFECT_HOPS[effect]
    h = _standard_score(f"feature 0 averaged over {hops} hops", propagate(P, x, hops)[-1])
    floor = torch.zeros_like(x)
    if hops:
        power = P
        for _ in range(hops - 1):
            power = power @ P
        floor = amplitude**2 * _blind_share(power)
    return tau0 + amplitude * h, floor


def _blind_share(P: Tensor) -> Tensor:
    # The floor of z(P X_0): the operator is P minus its mean row, and squared error is counted in units of the variance
    # that its output has over nodes on average. Its entries P_ij - shared_j are never formed: that matrix is dense.
    entries = P.to_sparse_coo().coalesce()
    (row, column), values = entries.indices(), entries.values()
    zeros = values.new_zeros(len(P))
    shared = zeros.index_add(0, column, values) / len(P)
    squares = zeros.index_add(0, row, values**2 - 2 * values * shared[column]) + shared.square().sum()
    own = zeros.index_add(0, row, torch.where(row == column, values, 0.0)) - shared
    return (squares - own**2) / squares.mean()


def _baseline(baseline: str, x: Tensor, c: Tensor, confounding: float) -> Tensor:
    if baseline == "simple":
        return confounding * c + x[:, 1]
    own = x[:, 1] + 2 * torch.sin(2 * x[:, 3]) * (x[:, 4] > 0) + 1.5 * x[:, 5] * x[:, 6].abs()
    return confounding * (c + 2 * c.abs()) + own


def blind_floor(P: Tensor, w: Tensor) -> Tensor:
    """The least expected squared error of any model that sees a node's own features only.

    The effect is tau_i = sum_j P_ij w.X_j with independent standard normal features. Given X_i the neighbours' part is
    still random: floor_i = |w|^2 sum over j != i of P_ij^2.

    Args:
        P: operator, sparse or dense, shape ``(n, n)``.
        w: weights of the features, shape ``(d,)``.

    Returns:
        E Var(tau_i | X_i) for each node, units of the effect squared, float64, shape ``(n,)``.

    Raises:
        ValueError: shapes other than these, or weights that are not finite.

    Source: law of total variance; chapter 4, lesson 2.
    """
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"P has shape {tuple(P.shape)}; expected (n, n)")
    w = finite("w", w)
    if w.ndim != 1:
        raise ValueError(f"w has shape {tuple(w.shape)}; expected (d,)")
    entries = P.to_sparse_coo().coalesce()
    row, column = entries.indices()
    squares = torch.where(row == column, 0.0, entries.values().double() ** 2)
    return w.square().sum() * squares.new_zeros(len(P)).index_add(0, row, squares)


def r_bias(delta_e: float | Tensor, delta_m: float | Tensor, tau: float | Tensor, e: float | Tensor) -> Tensor:
    """How far errors of the nuisances move the minimiser of the R-loss, at one point.

    delta_e (delta_m - delta_e tau) / (e (1 - e) + delta_e^2): a product of two errors, hence orthogonality. Where both
    nuisances miss the same confounder the two errors are related, and the product does not average out over nodes.

    Args:
        delta_e: e - e_hat, propensity minus its estimate.
        delta_m: m - m_hat, expected outcome minus its estimate, units of y.
        tau: effect, units of y.
        e: propensity, between 0 and 1.

    Returns:
        Minimiser minus tau, units of y, float64, of the shape that the four broadcast to.

    Raises:
        ValueError: a propensity outside (0, 1), or a number that is not finite.

    Source: chapter 4, lesson 2; the product form goes back to Nie and Wager (2021).
    """
    delta_e, delta_m = finite("delta_e", delta_e), finite("delta_m", delta_m)
    tau, e = finite("tau", tau), finite("e", e)
    if not ((e > 0) & (e < 1)).all():
        raise ValueError(f"e ranges from {e.min()} to {e.max()}; expected values between 0 and 1")
    return delta_e * (delta_m - delta_e * tau) / (e * (1 - e) + delta_e**2)


def _standard_score(name: str, values: Tensor) -> Tensor:
    scale = values.std(correction=0).item()
    if not scale > 1e-12 * values.abs().max().item():
        raise ValueError(f"{name} is the same at all {len(values)} nodes; expected values that vary")
    return (values - values.mean()) / scale


def _check_choices(effect: str, baseline: str, noise: float, numbers: dict[str, float]) -> None:
    if effect not in EFFECTS:
        raise ValueError(f"effect is {effect!r}; expected one of {', '.join(EFFECTS)}")
    if baseline not in BASELINES:
        raise ValueError(f"baseline is {baseline!r}; expected one of {', '.join(BASELINES)}")
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}; expected a finite number")
    if noise < 0:
        raise ValueError(f"noise is {noise}; expected a number >= 0")


def _check_sizes(x: Tensor, n: int | None, d: int | None, baseline: str) -> None:
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, d)")
    for name, asked, found in (("n", n, x.shape[0]), ("d", d, x.shape[1])):
        if asked is not None and asked != found:
            raise ValueError(f"{name} is {asked} and x has shape {tuple(x.shape)}; expected them to agree")
    if x.shape[1] < BASELINES[baseline]:
        raise ValueError(f"d is {x.shape[1]}; expected at least {BASELINES[baseline]} for the {baseline} baseline")
