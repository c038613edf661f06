"""How good estimated effects are: against the truth, without it, where in the graph, and over repeated seeds.

An effect tau_i is in units of the outcome, so squared errors are in units of the outcome squared.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

_SAME = 1e-12  # differences that vary by less than this share of the values are rounding


@dataclass(frozen=True)
class StratumError:
    """Squared error of the effects of some nodes, and how much their true effects vary.

    Attributes:
        nodes: number of nodes.
        degrees: lowest and highest degree among them.
        mse: mean squared error, units of the outcome squared.
        variance: variance of the true effect over these nodes (divisor ``nodes``): what the best constant would leave.
    """

    nodes: int
    degrees: tuple[int, int]
    mse: float
    variance: float

    @property
    def normalised(self) -> float:
        """Error as a share of the variance: 1 is no better than the stratum's own mean effect."""
        if self.variance == 0:
            raise ValueError(f"variance is 0: one true effect at all {self.nodes} nodes; expected effects that vary")
        return self.mse / self.variance


@dataclass(frozen=True)
class PairedTest:
    """One method against the reference over the same seeds; errors, so lower is better.

    Attributes:
        seeds: number of pairs.
        wins: seeds at which the *reference* has the lower error.
        difference: mean over seeds of error of the method minus error of the reference.
        interval: bootstrap interval of that mean.
        t_p: two-sided p-value of the paired t-test.
        t_holm: the same, adjusted for all methods that were compared.
        wilcoxon_p: two-sided p-value of Wilcoxon's signed-rank test.
        wilcoxon_holm: the same, adjusted.
    """

    seeds: int
    wins: int
    difference: float
    interval: tuple[float, float]
    t_p: float
    t_holm: float
    wilcoxon_p: float
    wilcoxon_holm: float

    @property
    def wilcoxon_least(self) -> float:
        """Smallest p-value that Wilcoxon's test can give with so many seeds, however large the difference."""
        return 2.0 ** (1 - self.seeds)


def cate_mse(tau_hat: Tensor, tau: Tensor, mask: Tensor | None = None) -> float:
    """Mean squared error of estimated effects, also called squared PEHE.

    Args:
        tau_hat: estimated effects, shape ``(n,)``, units of the outcome.
        tau: true effects, shape ``(n,)``.
        mask: nodes to score, bool, shape ``(n,)``; all when not given. Score nodes that were not fitted.

    Returns:
        Mean of (tau_hat_i - tau_i)^2, units of the outcome squared.

    Raises:
        ValueError: shapes that differ, a mask that is not bool or selects nothing, NaN or infinite values.

    Source: Hill (2011), precision in estimating heterogeneous effects.
    """
    tau_hat, tau = _selected(mask, tau_hat=tau_hat, tau=tau)
    return float(((tau_hat - tau) ** 2).mean())


def r_score(y_residual: Tensor, t_residual: Tensor, tau_hat: Tensor, mask: Tensor | None = None) -> float:
    """How much of the R-loss of one constant effect the estimated effects remove; needs no true effect.

    1 - sum (y - t tau_hat)^2 / min_c sum (y - t c)^2 over the residuals y, t. Below 0 a single number would have done
    better: use it as a gate. It is no ruler: the noise of the outcome stays, so even the true effect scores below 1,
    and small gaps may come from biased nuisances.

    Args:
        y_residual: outcome minus its cross-fitted prediction, shape ``(n,)``, units of the outcome.
        t_residual: treatment minus its cross-fitted propensity, shape ``(n,)``, in (-1, 1).
        tau_hat: estimated effects, shape ``(n,)``, units of the outcome.
        mask: nodes to score, bool, shape ``(n,)``; all when not given. Score nodes that were not fitted.

    Returns:
        The score, at most 1; 0 for the constant that fits these nodes best.

    Raises:
        ValueError: as :func:`cate_mse`; treatment residuals that are all 0; or a constant effect leaves no loss.

    Source: Nie and Wager (2021), the R-loss; scaled as in EconML's ``RScorer``.
    """
    y, t, tau_hat = _selected(mask, y_residual=y_residual, t_residual=t_residual, tau_hat=tau_hat)
    if not t.any():
        raise ValueError(f"t_residual is 0 at all {len(t)} nodes; expected some that differ from their propensity")
    constant = (y @ t) / (t @ t)
    base = ((y - t * constant) ** 2).sum()
    if base <= (_SAME * y).square().sum():
        raise ValueError("y_residual is t_residual times a constant; expected some loss left to explain")
    return float(1 - ((y - t * tau_hat) ** 2).sum() / base)


def stratified_mse(
    tau_hat: Tensor,
    tau: Tensor,
    degree: Tensor,
    mask: Tensor | None = None,
    *,
    bottom: float = 0.5,
    top: float = 0.1,
) -> dict[str, StratumError]:
    """Squared error at the periphery and at the hubs, each beside the variance of the effect there.

    An average of many neighbours varies less than one of few, so the raw error may be lower at hubs only because there
    was less to predict: read :attr:`StratumError.normalised` beside it.

    Args:
        tau_hat: estimated effects, shape ``(n,)``, units of the outcome.
        tau: true effects, shape ``(n,)``.
        degree: degrees in the whole graph, shape ``(n,)``, integers >= 0.
        mask: nodes to score, bool, shape ``(n,)``; all when not given. Shares are of these nodes.
        bottom: the periphery is this share of lowest degrees, in (0, 1).
        top: the hubs are this share of highest degrees, in (0, 1).

    Returns:
        "all", "periphery" and "hubs". Nodes that tie with the last one in belong too, so a stratum may be larger
        than its share, and does not depend on the order of the nodes.

    Raises:
        ValueError: as :func:`cate_mse`; a share outside (0, 1); degrees that are not whole numbers >= 0, or so equal
            that a node would be both hub and periphery.

    Source: chapter 4, lesson 3.
    """
    for name, share in (("bottom", bottom), ("top", top)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; expected a share in (0, 1)")
    tau_hat, tau, degree = _selected(mask, tau_hat=tau_hat, tau=tau, degree=degree)
    if (degree < 0).any() or (degree != degree.round()).any():
        raise ValueError("degree holds values that are negative or not whole; expected integers >= 0")
    highest_of_bottom = _nth_lowest(degree, bottom)
    lowest_of_top = -_nth_lowest(-degree, top)
    if highest_of_bottom >= lowest_of_top:
        raise ValueError(
            f"degree is {lowest_of_top:g} or more in the top {top:g} and {highest_of_bottom:g} or less in the bottom "
            f"{bottom:g} of nodes; expected degrees that tell hubs from periphery"
        )
    members = {"all": degree >= 0, "periphery": degree <= highest_of_bottom, "hubs": degree >= lowest_of_top}
    return {name: _stratum_error(tau_hat[rows], tau[rows], degree[rows]) for name, rows in members.items()}


def paired_tests(
    table: Mapping[str, Sequence[float] | np.ndarray | Tensor],
    reference: str,
    *,
    level: float = 0.95,
    n_bootstrap: int = 10_000,
    rng: np.random.Generator | int = 0,
) -> dict[str, PairedTest]:
    """Every method against the reference, paired by seed, with p-values adjusted for their number.

    The replicate is the seed, that is a fresh graph and fresh data: nodes of one graph share its fitted networks and
    are no independent repetitions.

    Args:
        table: error of each method, one number a seed, the same seeds in the same order for all; shape ``(S,)``,
            S >= 2.
        reference: the method to compare with.
        level: coverage of the interval, in (0, 1). A target for many seeds: with ten, 0.95 covers about 0.90.
        n_bootstrap: resamples, >= 1.
        rng: generator of the resamples, or a seed for one.

    Returns:
        A :class:`PairedTest` for every other method, in the order of the table.

    Raises:
        ValueError: a table without the reference or without another method, columns of another shape or length, NaN
            or infinite errors, fewer than 2 seeds, a level or number out of range, or a method whose difference from
            the reference is the same at every seed.

    Source: Holm (1979); Efron and Tibshirani (1993), chapter 13, the percentile interval.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a number in (0, 1)")
    if isinstance(n_bootstrap, bool) or not isinstance(n_bootstrap, int | np.integer) or n_bootstrap < 1:
        raise ValueError(f"n_bootstrap is {n_bootstrap!r}; expected an integer >= 1")
    differences = _differences(table, reference)
    values = np.array(list(differences.values()))
    seeds = values.shape[1]
    resamples = np.random.default_rng(rng).integers(seeds, size=(n_bootstrap, seeds))  # the same for every method
    tails = [(1 - level) / 2, (1 + level) / 2]
    t_p = [stats.ttest_1samp(row, 0.0).pvalue for row in values]
    wilcoxon_p = [stats.wilcoxon(row).pvalue for row in values]
    rows = zip(differences, values, t_p, _holm(t_p), wilcoxon_p, _holm(wilcoxon_p), strict=True)
    return {
        name: PairedTest(
            seeds=seeds,
            wins=int((row > 0).sum()),
            difference=float(row.mean()),
            interval=tuple(np.quantile(row[resamples].mean(1), tails).tolist()),
            t_p=float(p),
            t_holm=float(p_holm),
            wilcoxon_p=float(w),
            wilcoxon_holm=float(w_holm),
        )
        for name, row, p, p_holm, w, w_holm in rows
    }


def _differences(table: Mapping, reference: str) -> dict[str, np.ndarray]:
    # Method minus reference, seed by seed.
    errors = {}
    for name, column in table.items():
        label = f"table[{name!r}]"
        errors[name] = _finite(label, _vector(label, column)).numpy()
    if reference not in errors:
        raise ValueError(f"reference is {reference!r}; expected one of {list(errors)}")
    base = errors.pop(reference)
    if not errors:
        raise ValueError(f"table has {reference!r} only; expected another method to compare with it")
    if len(base) < 2:
        raise ValueError(f"table has {len(base)} seed; expected at least 2")
    for name, column in errors.items():
        if len(column) != len(base):
            raise ValueError(f"table[{name!r}] has {len(column)} seeds; expected {len(base)}, as {reference!r} has")
        if np.ptp(column - base) <= _SAME * max(np.abs(column).max(), np.abs(base).max()):
            gap = f"{column[0] - base[0]:g} at every seed"
            raise ValueError(f"table[{name!r}] minus {reference!r} is {gap}; expected differences that vary")
    return {name: column - base for name, column in errors.items()}


def _holm(p_values: Sequence[float]) -> np.ndarray:
    # The smallest of m p-values counts m times, the next m - 1 times; none may end below a smaller one's.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1.0)
    return adjusted


def _nth_lowest(values: Tensor, share: float) -> float:
    # The value up to which at least this share lies; the slack keeps 0.07 * 100 from rounding up to 8.
    count = max(1, math.ceil(share * len(values) - 1e-9))
    return values.kthvalue(count).values.item()


def _stratum_error(tau_hat: Tensor, tau: Tensor, degree: Tensor) -> StratumError:
    constant = bool((tau == tau[0]).all())  # then rounding of the mean must not leave a variance
    return StratumError(
        nodes=len(tau),
        degrees=(int(degree.min()), int(degree.max())),
        mse=float(((tau_hat - tau) ** 2).mean()),
        variance=0.0 if constant else float(tau.var(correction=0)),
    )


def _selected(mask: Tensor | None, **vectors: Tensor) -> list[Tensor]:
    # Vectors of one length at the nodes of the mask. What is not scored need not be known, so it may be NaN.
    vectors = {name: _vector(name, values) for name, values in vectors.items()}
    first, n = next((name, len(vector)) for name, vector in vectors.items())
    for name, vector in vectors.items():
        if len(vector) != n:
            raise ValueError(f"{name} has shape ({len(vector)},); expected ({n},), as {first} has")
    mask = torch.ones(n, dtype=torch.bool) if mask is None else torch.as_tensor(mask).cpu()
    if mask.dtype != torch.bool or mask.shape != (n,):
        raise ValueError(f"mask has dtype {mask.dtype} and shape {tuple(mask.shape)}; expected bool ({n},)")
    if not mask.any():
        raise ValueError(f"mask selects none of {n} nodes; expected at least one")
    return [_finite(name, vector[mask]) for name, vector in vectors.items()]


def _vector(name: str, values: Sequence[float] | np.ndarray | Tensor) -> Tensor:
    vector = values.detach().cpu() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    if vector.is_complex():
        raise TypeError(f"{name} has dtype {vector.dtype}; expected real numbers")
    if vector.ndim != 1 or not len(vector):
        raise ValueError(f"{name} has shape {tuple(vector.shape)}; expected (n,) with n >= 1")
    return vector.double()


def _finite(name: str, vector: Tensor) -> Tensor:
    if not vector.isfinite().all():
        raise ValueError(f"{name} holds {int((~vector.isfinite()).sum())} NaN or infinite values; expected finite ones")
    return vector
