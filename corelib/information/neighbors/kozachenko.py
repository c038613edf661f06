"""Entropy from distances to nearest neighbours (Kozachenko and Leonenko), and mutual information from three of them."""

import math
import warnings

import numpy as np
from scipy.special import digamma, gammaln
from torch import Tensor

from corelib.information.estimate import MIEstimate, from_local
from corelib.information.neighbors.control import with_control
from corelib.information.neighbors.gaussianize import gaussianize, whiten
from corelib.information.neighbors.search import METRICS, knn_distances
from corelib.information.neighbors.weights import kl_weights
from corelib.information.samples import (
    EstimatorWarning,
    as_pair,
    as_samples,
    require_distinct,
    require_neighbours,
    require_option,
    spread,
    warn_of_lattice,
)

RESCALINGS = ("none", "std", "whiten")
PREPROCESSINGS = ("none", "gaussianize")
Weights = str | np.ndarray | None
_HIGH_DIMENSION = 11  # joint dimension above which the weights' norm inflates the variance


def kl_entropy(
    x: np.ndarray | Tensor,
    k: int = 5,
    *,
    weights: Weights = None,
    metric: str = "euclidean",
    rescale: str = "none",
    backend: str = "auto",
) -> float:
    """Differential entropy of a density from N of its samples.

    H = sum_j w_j mean_i [d ln ρ_ij + ln V_d + ln(N - 1) - ψ(j)], with ρ_ij the distance of sample i to its j-th
    neighbour and V_d the volume of the unit ball.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``.
        k: number of neighbours, 1 <= k < N.
        weights: None for the k-th neighbour alone, "berrett" for :func:`kl_weights`, or w of shape ``(k,)``, sum 1.
        metric: "euclidean" or "chebyshev".
        rescale: "none", "std" (columns to unit standard deviation) or "whiten"; the entropy is that of x all the same.
        backend: see :mod:`corelib.information.neighbors.backends`.

    Returns:
        The entropy in nats; negative where the density is concentrated.

    Raises:
        DegenerateSampleError: a neighbour with a weight is at distance 0.
        ValueError: shapes, NaN, k, weights, an unknown option, or columns that cannot be rescaled.

    Source: Kozachenko and Leonenko (1987); Berrett, Samworth and Yuan (2019) for the weights.
    """
    x = as_samples("x", x)
    require_neighbours(k, len(x))
    return float(local_entropy(x, k, weights, metric, rescale, backend).mean())


def local_entropy(
    x: np.ndarray, k: int, weights: Weights, metric: str, rescale: str, backend: str = "auto"
) -> np.ndarray:
    """What each sample adds to :func:`kl_entropy`, shape ``(N,)``, nats; arguments as there."""
    require_option("metric", metric, METRICS)
    z, log_det = _rescaled(x, rescale)
    n, d = z.shape
    w = _resolve_weights(weights, k, d)
    rho = knn_distances(z, k, metric=metric, backend=backend)
    used = np.flatnonzero(w)
    require_distinct(rho[:, used[0]], z)
    warn_of_lattice(rho[:, used[0]])
    log_ball = d * math.log(2) if metric == "chebyshev" else d / 2 * math.log(math.pi) - gammaln(1 + d / 2)
    terms = d * np.log(rho[:, used]) + log_ball + math.log(n - 1) - digamma(used + 1)
    return terms @ w[used] + log_det


def kl_mi(
    x: np.ndarray | Tensor,
    y: np.ndarray | Tensor,
    k: int = 20,
    *,
    weights: Weights = "berrett",
    preprocess: str = "gaussianize",
    rescale: str = "whiten",
    metric: str = "euclidean",
    backend: str = "auto",
    control: str | None = None,
    seed: int = 0,
) -> MIEstimate:
    """Mutual information as H(X) + H(Y) - H(X,Y); with its defaults the course's estimator "S-WKL".

    S-WKL makes every column about normal by a smooth increasing map, whitens x, y and the pair separately, and weighs
    the first 20 neighbours. None of it changes the mutual information; together it takes most of the bias away, also
    at several nats. Weak where the density is singular or has hard edges: data on a curve or surface want
    :func:`ksg_mi`.

    Args:
        x: samples, shape ``(N, d_x)`` or ``(N,)``.
        y: their partners, shape ``(N, d_y)`` or ``(N,)``.
        k: number of neighbours, 1 <= k < N.
        weights: "berrett" (for each of the three dimensions its own), None (the k-th neighbour alone), or an array.
        preprocess: "gaussianize" or "none".
        rescale: "whiten", "std" or "none", for x, y and the pair separately.
        metric: "euclidean" or "chebyshev".
        backend: see :mod:`corelib.information.neighbors.backends`.
        control: "permute" for the same estimate after a random permutation of y, whose truth is 0.
        seed: seed of that permutation.

    Returns:
        An :class:`MIEstimate`, nats; negative values are left as they are.

    Raises:
        DegenerateSampleError: samples of x, of y or of the pair that coincide.
        ValueError: as :func:`kl_entropy`, or different numbers of samples.

    Warns:
        EstimatorWarning: d_x + d_y > 11 with weights "berrett", whose norm is given.

    Source: the sum of three entropies with weights as in the paper's section on estimators; separate whitening as in
    its code; the Gaussianisation is this course's.
    """
    require_option("preprocess", preprocess, PREPROCESSINGS)
    x, y = as_pair(x, y)
    require_neighbours(k, len(x))
    if preprocess == "gaussianize":
        x, y = gaussianize(x), gaussianize(y)
    _warn_of_norm(weights, k, x.shape[1] + y.shape[1])

    def estimate(x: np.ndarray, y: np.ndarray) -> MIEstimate:
        parts = (local_entropy(part, k, weights, metric, rescale, backend) for part in (x, y, np.hstack([x, y])))
        of_x, of_y, of_both = parts
        return from_local(of_x + of_y - of_both, _describe(k, weights, preprocess, rescale))

    return with_control(estimate, x, y, control, seed)


def _rescaled(x: np.ndarray, rescale: str) -> tuple[np.ndarray, float]:
    require_option("rescale", rescale, RESCALINGS)
    if rescale == "none":
        return x, 0.0
    if rescale == "whiten":
        return whiten(x)
    scale = spread("x", x)
    return (x - x.mean(axis=0)) / scale, float(np.log(scale).sum())


def _resolve_weights(weights: Weights, k: int, d: int) -> np.ndarray:
    if weights is None:
        return np.eye(k)[-1]
    if isinstance(weights, str):
        require_option("weights", weights, ("berrett",))
        return kl_weights(k, d)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (k,) or not np.isfinite(w).all() or abs(w.sum() - 1) > 1e-8:
        raise ValueError(f"weights has shape {w.shape} and sum {w.sum():g}; expected ({k},) finite numbers of sum 1")
    return w


def _warn_of_norm(weights: Weights, k: int, d: int) -> None:
    if isinstance(weights, str) and d > _HIGH_DIMENSION:
        norm = float(np.linalg.norm(_resolve_weights(weights, k, d)))
        warnings.warn(
            f"the joint dimension is {d}: weights of {k} neighbours have the norm {norm:.3g}, by which the sampling "
            "error grows; use a larger k, weights from kl_weights(..., max_constraints=...), or ksg_mi",
            EstimatorWarning,
            stacklevel=3,
        )


def _describe(k: int, weights: Weights, preprocess: str, rescale: str) -> str:
    named = "weighted KL" if isinstance(weights, str) else "KL" if weights is None else "KL with given weights"
    steps = [
        {"gaussianize": "Gaussianised", "none": ""}[preprocess],
        {"whiten": "whitened", "std": "scaled"}.get(rescale, ""),
    ]
    return ", ".join([f"{named}, k = {k}", *filter(None, steps)])
