"""Maps that change no mutual information but make samples easy for nearest neighbours."""

import numpy as np
from scipy.special import ndtr, ndtri
from torch import Tensor

from corelib.information.samples import as_samples, spread


def gaussianize(x: np.ndarray | Tensor, n_knots: int = 64) -> np.ndarray:
    """Map every column by a smooth increasing function to about a standard normal distribution.

    Piecewise linear between ``n_knots`` quantiles, with the outer pieces continued. Not exact normal scores of the
    ranks: those put every column on the same lattice, which at high information makes false structure.

    Args:
        x: shape ``(N, d)`` or ``(N,)``.
        n_knots: number of quantiles, >= 2. Knots that coincide, as in data with ties, are merged.

    Returns:
        Shape ``(N, d)``, float64. Each column is a strictly increasing function of the column it came from.

    Raises:
        ValueError: ``n_knots < 2``, a constant column, or as :func:`as_samples`.
    """
    if n_knots < 2:
        raise ValueError(f"n_knots is {n_knots}; expected an integer >= 2")
    x = as_samples("x", x)
    spread("x", x)  # refuses constant columns
    outermost = float(ndtri(1 - 0.5 / len(x)))
    scores = np.linspace(-outermost, outermost, n_knots)
    quantiles = np.quantile(x, ndtr(scores), axis=0)
    return np.stack([_increasing(column, knots, scores) for column, knots in zip(x.T, quantiles.T, strict=True)], 1)


def whiten(x: np.ndarray | Tensor) -> tuple[np.ndarray, float]:
    """Rotate and scale samples to unit covariance.

    Args:
        x: shape ``(N, d)`` or ``(N,)``, N > d.

    Returns:
        ``(z, log_det)``: z of shape ``(N, d)`` with mean 0 and covariance I, and ln |det C^(1/2)| in nats, so that the
        differential entropy of x is that of z plus ``log_det``.

    Raises:
        ValueError: a covariance without an inverse (constant or linearly dependent columns, or N <= d).
    """
    x = as_samples("x", x)
    scale = spread("x", x)
    centred = (x - x.mean(axis=0)) / scale  # columns of unit variance: the condition number is the correlation's
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    if values[0] <= len(values) * np.finfo(float).eps * values[-1]:
        raise ValueError(
            f"x has a covariance of rank < {x.shape[1]} (smallest eigenvalue {values[0]:.1g} of a correlation matrix); "
            "expected columns that are not functions of each other, and more samples than columns"
        )
    return centred @ (vectors / np.sqrt(values)), float(0.5 * np.log(values).sum() + np.log(scale).sum())


def _increasing(column: np.ndarray, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The piecewise linear map knots -> scores, its first and last piece continued beyond the ends."""
    kept = np.concatenate([[True], np.diff(knots) > 0])
    # Two at least are left: the outermost quantiles lie nearer to the least and the largest value than to any other.
    knots, scores = knots[kept], scores[kept]
    piece = np.clip(np.searchsorted(knots, column, side="right") - 1, 0, len(knots) - 2)
    slope = np.diff(scores) / np.diff(knots)
    return scores[piece] + slope[piece] * (column - knots[piece])
