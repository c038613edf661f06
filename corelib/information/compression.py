"""How much a layer compressed, and whether that goes with something else, such as test accuracy.

The paper uses a compression score a layer without a formula that could be confirmed, so the three obvious ones stand
here by name: always report which. Correlations are of ranks, with a permutation p-value.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats


def compression_score(ixt: np.ndarray, kind: str = "end") -> np.ndarray:
    """Compression of trajectories of I(X;T) through training.

    Args:
        ixt: information by snapshot along the first axis, shape ``(T, ...)``, T >= 2.
        kind: "end" for 1 - I_end / max_t I_t, in [0, 1]; "path" for the share of the path length that goes down,
            in [0, 1]; "net" for I_0 - I_end, in the unit of ``ixt``.

    Returns:
        Shape ``ixt.shape[1:]``. A trajectory that is 0 throughout, or never moves, scores 0: it has nothing to lose.

    Raises:
        ValueError: fewer than two snapshots, NaN or infinite values, negative information, or an unknown kind.
    """
    ixt = np.asarray(ixt, dtype=np.float64)
    if ixt.ndim < 1 or ixt.shape[0] < 2:
        raise ValueError(f"ixt has shape {ixt.shape}; expected (T, ...) with T >= 2 snapshots")
    if not np.isfinite(ixt).all() or (ixt < 0).any():
        raise ValueError("ixt holds NaN, infinite or negative values; expected information >= 0")
    if kind == "net":
        return ixt[0] - ixt[-1]
    if kind == "end":
        return 1 - _ratio(ixt[-1], ixt.max(0), where_zero=1.0)
    if kind == "path":
        steps = np.diff(ixt, axis=0)
        return _ratio(np.maximum(-steps, 0).sum(0), np.abs(steps).sum(0), where_zero=0.0)
    raise ValueError(f"kind is {kind!r}; expected 'end', 'path' or 'net'")


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation with its two-sided permutation p-value.

    Attributes:
        rho: correlation of the ranks, ties given their average rank.
        p_value: share of random pairings at least as extreme, the observed one counted, so never 0.
        n: number of pairs.
    """

    rho: float
    p_value: float
    n: int


def rank_correlation(
    score: np.ndarray, outcome: np.ndarray, *, n_permutations: int = 9999, seed: int = 0
) -> RankCorrelation:
    """Spearman's rho of two samples, with a permutation p-value that needs no assumption about ties.

    Args:
        score: shape ``(n,)``, n >= 3.
        outcome: shape ``(n,)``.
        n_permutations: random pairings to compare with; the smallest possible p-value is 1 / (1 + n_permutations).
        seed: seed of the permutations.

    Returns:
        A :class:`RankCorrelation`.

    Raises:
        ValueError: shapes differ, n < 3, NaN, a constant sample (rho is undefined), or n_permutations < 1.

    Source: Phipson and Smyth (2010) for counting the observed pairing.
    """
    score, outcome = np.asarray(score, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if score.ndim != 1 or score.shape != outcome.shape or len(score) < 3:
        raise ValueError(f"score and outcome have shapes {score.shape}, {outcome.shape}; expected equal (n,), n >= 3")
    if n_permutations < 1:
        raise ValueError(f"n_permutations is {n_permutations}; expected an integer >= 1")
    for name, values in (("score", score), ("outcome", outcome)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
        if (values == values[0]).all():
            raise ValueError(f"{name} is constant at {values[0]:g}; expected at least two different values")
    a, b = _standard_ranks(score), _standard_ranks(outcome)
    observed = float(a @ b)
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.broadcast_to(b, (n_permutations, len(b))), axis=1) @ a
    # The margin keeps equal statistics equal, whatever the order of summation.
    extreme = int((np.abs(shuffled) >= abs(observed) - 1e-12).sum())
    return RankCorrelation(observed, (1 + extreme) / (1 + n_permutations), len(a))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment: p-values that may be compared with one level for the whole family.

    Args:
        p_values: shape ``(k,)``, in [0, 1].

    Returns:
        Adjusted p-values, shape ``(k,)``, in the order given.

    Raises:
        ValueError: not 1-D, empty, or a value outside [0, 1].

    Source: Holm (1979).
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or len(p) == 0 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values is {p_values}; expected a non-empty list of numbers in [0, 1]")
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    ranks = stats.rankdata(values)
    ranks -= ranks.mean()
    return ranks / np.linalg.norm(ranks)


def _ratio(numerator: np.ndarray, denominator: np.ndarray, where_zero: float) -> np.ndarray:
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.where(denominator > 0, numerator / safe, where_zero)
