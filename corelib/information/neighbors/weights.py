"""Weights for Kozachenko-Leonenko terms of several neighbours that cancel the leading terms of the bias.

The bias of the k-th neighbour's entropy is a series in (k/N)^(2l/d), l = 1, 2, ... A weighted sum of the first k
neighbours with the right weights has none of the terms that would outweigh the sampling error.
"""

import numpy as np
from scipy.special import gammaln

_LARGEST_RESIDUAL = 1e-8
_LARGEST_SUM_ERROR = 1e-10


def kl_weights(k: int, d: int, *, support: str = "dense", max_constraints: int | None = None) -> np.ndarray:
    """Weights w_1 .. w_k with sum 1 and sum_j w_j Γ(j + 2l/d) / Γ(j) = 0 for l = 1 .. floor(d/4), of least norm.

    The variance of the entropy grows like ``|w|² / N`` and ``|w|`` explodes with the dimension: above d = 12 or so use
    many neighbours or ``max_constraints``.

    Args:
        k: number of neighbours, >= 1.
        d: dimension of the samples, >= 1. Below 4 there is nothing to cancel, and all weight is on the k-th neighbour.
        support: "dense" (all neighbours) or "sparse" (neighbours floor(k/d), floor(2k/d), ..., k, as in the theory).
        max_constraints: cancel at most this many terms; all floor(d/4) when None.

    Returns:
        Shape ``(k,)``, float64.

    Raises:
        ValueError: k or d < 1, an unknown support, fewer neighbours in the support than constraints, or constraints
            that float64 cannot meet to 1e-8 (the sum: 1e-10).

    Source: Berrett, Samworth and Yuan (2019), section 2; the choice of least norm is this course's.
    """
    for name, value in (("k", k), ("d", d)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected an integer >= 1")
    if support not in ("dense", "sparse"):
        raise ValueError(f"support is {support!r}; expected 'dense' or 'sparse'")
    if max_constraints is not None and (
        isinstance(max_constraints, bool) or not isinstance(max_constraints, int | np.integer) or max_constraints < 0
    ):
        raise ValueError(f"max_constraints is {max_constraints!r}; expected an integer >= 0, or None")
    n_terms = d // 4 if max_constraints is None else min(d // 4, max_constraints)
    weights = np.zeros(k)
    if n_terms == 0:
        weights[-1] = 1.0
        return weights
    j = _support(k, d, support)
    if len(j) < n_terms + 1:
        raise ValueError(
            f"k is {k}, which gives {len(j)} neighbours ({support} support) for {n_terms + 1} constraints at d = {d}; "
            "expected a larger k, or fewer constraints (max_constraints)"
        )
    # Each row divided by its norm, with its right-hand side: the rows differ by many orders of magnitude.
    orders = 2.0 * np.arange(n_terms + 1)[:, None] / d
    rows = np.exp(gammaln(j + orders) - gammaln(j))
    norms = np.linalg.norm(rows, axis=1)
    wanted = np.zeros(n_terms + 1)
    wanted[0] = 1 / norms[0]
    found = np.linalg.lstsq(rows / norms[:, None], wanted, rcond=None)[0]  # of least norm, by SVD
    residual = np.abs(rows @ found - wanted * norms).max() / max(1.0, np.abs(rows * found).max())
    error = abs(found.sum() - 1)
    if residual > _LARGEST_RESIDUAL or error > _LARGEST_SUM_ERROR:
        raise ValueError(
            f"k is {k} at d = {d}: the constraints are met to {residual:.1g} and the sum of 1 to {error:.1g} only; "
            "expected a larger k, or fewer constraints (max_constraints)"
        )
    weights[j - 1] = found
    return weights


def _support(k: int, d: int, support: str) -> np.ndarray:
    if support == "dense":
        return np.arange(1, k + 1)
    return np.unique([i * k // d for i in range(1, d + 1) if i * k // d >= 1])
