"""Entropy and mutual information by leave-one-out kernel densities, the classical baseline.

One Gaussian kernel, of one bandwidth in every direction: samples should be whitened first, as :func:`kde_mi` does. The
density at a sample is that of all the *others*. Everything is in nats.
"""

import math
from functools import partial

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from corelib.information.estimate import MIEstimate, from_local
from corelib.information.neighbors.gaussianize import whiten
from corelib.information.samples import DegenerateSampleError, as_pair, as_samples, require_option, spread

_BLOCK = 512  # rows of distances at once
_GRID = 12  # bandwidths looked at before the search
_CRITERIA = ("likelihood", "least_squares")
_RESCALINGS = ("whiten", "std", "none")


def loo_bandwidth(x: np.ndarray | Tensor, criterion: str = "likelihood") -> float:
    """Bandwidth that predicts every sample best from the others.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``, N >= 3; whitened, since one number serves every direction.
        criterion: "likelihood" for the largest mean of ln p_{-i}(x_i), "least_squares" for the smallest estimate of
            the squared error of the density, integral of p^2 - 2 mean of p_{-i}(x_i).

    Returns:
        b, the standard deviation of the kernel, in units of x. It lies between the root mean square distance to the
        nearest neighbour and that between any two samples, each over sqrt(d): the likelihood cannot be stationary
        elsewhere, as there b^2 is a mean of squared distances over d, weighted towards the close ones. Least squares
        may go lower, to a quarter of the lower end and no further: with ties its minimum would run off to 0.

    Raises:
        ValueError: an unknown criterion, or samples as :func:`as_samples` refuses them.
        DegenerateSampleError: every sample has a duplicate: the likelihood grows without end as b goes to 0.

    Source: Habbema et al. (1974) and Duin (1976), likelihood; Rudemo (1982) and Bowman (1984), least squares.
    """
    require_option("criterion", criterion, _CRITERIA)
    points = torch.from_numpy(as_samples("x", x, min_samples=3))
    points = points - points.mean(0)
    d = points.shape[1]
    nearest = torch.cat([distance.amin(1) for distance in _distances_to_others(points)])
    if not nearest.any():
        raise DegenerateSampleError(
            f"x has a duplicate of each of its {len(points)} samples; expected samples of a density. If ties come from "
            "rounding, break them with dither(x)"
        )
    low = 0.5 * math.log((nearest**2).mean() / d)
    if criterion == "least_squares":
        low -= math.log(4)
    high = 0.5 * math.log(2 * points.var(0).sum() / d)  # 2 trace(C) is the mean squared distance of two samples
    loss = partial(_minus_log_likelihood if criterion == "likelihood" else _squared_error, points)
    grid = np.linspace(low, max(high, low + 1e-3), _GRID)  # several minima are possible
    best = int(np.argmin([loss(log_b) for log_b in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    return math.exp(minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-3}).x)


def kde_entropy(x: np.ndarray | Tensor, bandwidth: float) -> float:
    """Differential entropy, -(1/N) sum_i ln p_{-i}(x_i), with p_{-i} the kernel density of the other samples.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``.
        bandwidth: standard deviation of the kernel, > 0, in units of x.

    Returns:
        Entropy, nats; it may be negative.

    Raises:
        ValueError: ``bandwidth <= 0``, or samples as :func:`as_samples` refuses them.

    Source: Ahmad and Lin (1976); Hall and Morton (1993).
    """
    _require_bandwidth(bandwidth)
    return float(-_loo_log_density(torch.from_numpy(as_samples("x", x)), bandwidth).mean())


def kde_mi(
    x: np.ndarray | Tensor,
    y: np.ndarray | Tensor,
    bandwidth: float | None = None,
    *,
    criterion: str = "likelihood",
    rescale: str = "whiten",
) -> MIEstimate:
    """Mutual information as h(X) + h(Y) - h(X,Y), each entropy by kernel density with the same bandwidth.

    Args:
        x: shape ``(N, d_x)`` or ``(N,)``, N >= 3.
        y: shape ``(N, d_y)`` or ``(N,)``.
        bandwidth: standard deviation of the kernel in units of the rescaled samples, > 0; chosen on the joint samples
            by :func:`loo_bandwidth` when not given.
        criterion: how it is chosen; "likelihood" or "least_squares". Not used when the bandwidth is given.
        rescale: "whiten" for X, Y and (X, Y) each to unit covariance (the lost log-determinants are put back), "std"
            for columns of unit variance, "none".

    Returns:
        A :class:`MIEstimate`, which may be negative. Its standard error is that of the mean of ``local`` alone: no
        bias, and not that neighbouring densities share samples.

    Raises:
        ValueError: ``bandwidth <= 0``, an unknown option, samples that cannot be rescaled, or as :func:`as_pair`.
        DegenerateSampleError: as :func:`loo_bandwidth`.

    Source: Butakov et al. (2024), the KDE baselines of the released code.
    """
    x, y = as_pair(x, y, min_samples=3)
    require_option("criterion", criterion, _CRITERIA)
    require_option("rescale", rescale, _RESCALINGS)
    chosen = "given" if bandwidth is not None else criterion.replace("_", " ")
    if bandwidth is not None:
        _require_bandwidth(bandwidth)
    joint, joint_log_det = _rescaled("x and y together", np.hstack([x, y]), rescale)
    if bandwidth is None:
        bandwidth = loo_bandwidth(joint, criterion)
    local = _loo_log_density(torch.from_numpy(joint), bandwidth) - joint_log_det
    for name, side in (("x", x), ("y", y)):
        z, log_det = _rescaled(name, side, rescale)
        local = local - (_loo_log_density(torch.from_numpy(z), bandwidth) - log_det)
    words = {"whiten": "whitened", "std": "unit variances", "none": "not rescaled"}[rescale]
    return from_local(local.numpy(), f"KDE, leave-one-out, bandwidth {bandwidth:.3g} ({chosen}), {words}")


def _rescaled(name: str, x: np.ndarray, rescale: str) -> tuple[np.ndarray, float]:
    """Samples z and the logarithm that their entropy lacks: h(x) = h(z) + log_det."""
    if rescale == "whiten":
        return whiten(x)
    if rescale == "std":
        scale = spread(name, x)
        return (x - x.mean(0)) / scale, float(np.log(scale).sum())
    return x, 0.0


def _distances_to_others(points: Tensor):
    """Distances by blocks of rows, ``(B, N)``, where the distance of a sample to itself is infinite."""
    for start in range(0, len(points), _BLOCK):
        rows = points[start : start + _BLOCK]
        distance = torch.cdist(rows, points, compute_mode="donot_use_mm_for_euclid_dist")
        distance[:, start : start + len(rows)].fill_diagonal_(math.inf)
        yield distance


def _loo_log_density(points: Tensor, bandwidth: float) -> Tensor:
    """Logarithm of p_{-i}(x_i), shape ``(N,)``, nats."""
    n, d = points.shape
    sums = [torch.logsumexp(-((r / bandwidth) ** 2) / 2, dim=1) for r in _distances_to_others(points)]
    return torch.cat(sums) - math.log(n - 1) - d * math.log(bandwidth * math.sqrt(2 * math.pi))


def _minus_log_likelihood(points: Tensor, log_bandwidth: float) -> float:
    return -_loo_log_density(points, math.exp(log_bandwidth)).mean().item()


def _squared_error(points: Tensor, log_bandwidth: float) -> float:
    """Estimate of the integrated squared error of the density, up to the constant that does not depend on b."""
    n, d = points.shape
    b = math.exp(log_bandwidth)
    wide = narrow = 0.0  # sums of exp(-r^2 / 4 b^2) and of its square over ordered pairs of different samples
    for r in _distances_to_others(points):
        kernel = torch.exp(-((r / b) ** 2) / 4)
        wide, narrow = wide + kernel.sum().item(), narrow + (kernel**2).sum().item()
    square = (n + wide) / n**2 * (4 * math.pi) ** (-d / 2)
    return (square - 2 * narrow / (n * (n - 1)) * (2 * math.pi) ** (-d / 2)) * b**-d


def _require_bandwidth(bandwidth: float) -> None:
    if not 0 < bandwidth < math.inf:
        raise ValueError(f"bandwidth is {bandwidth}; expected a finite number > 0")
