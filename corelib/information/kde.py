"""Information about a layer seen through Gaussian noise: T = h + Z, Z ~ N(0, s I).

For a finite sample the density of T is a mixture of N equal Gaussians, whose entropy lies between two sums over pairs
of centres (Kolchinsky and Tracey). The upper bound on I(X;T) uses the kernel of variance s, the lower one of variance
4 s. Both come from one streaming pass over the pairs. Everything is in nats.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.pairwise_kernel_sums import pairwise_kernel_sums

_SCALINGS = ("std", "variance", "fixed")


@dataclass(frozen=True)
class KdeEstimate:
    """Bounds on I(X;T), and the estimates of I(Y;T) that follow from them.

    Attributes:
        ixt_upper: upper bound on I(X;T), shape ``(R,)``, nats.
        ixt_lower: lower bound on I(X;T), shape ``(R,)``, nats.
        iyt_upper: I(Y;T) from differences of upper bounds, shape ``(R,)``, nats. An estimate, not a bound; it may be
            slightly negative, and is left so.
        iyt_lower: the same from differences of lower bounds.
    """

    ixt_upper: Tensor
    ixt_lower: Tensor
    iyt_upper: Tensor
    iyt_lower: Tensor


def adaptive_noise_variance(h: Tensor, noise_variance: float = 1e-3, scaling: str = "std") -> Tensor:
    """Noise that follows the activity of each layer at each epoch (aKDE).

    Args:
        h: activity, shape ``(R, N, D)``.
        noise_variance: sigma_0 squared, > 0; 1e-3 is the fixed value of Saxe et al. (2018).
        scaling: "std" for sigma_0^2 max|h|^2 (scale-invariant), "variance" for sigma_0^2 max|h| (as the paper is
            described), "fixed" for sigma_0^2.

    Returns:
        Noise variances, shape ``(R,)``, float64, > 0. A layer that is zero throughout gets sigma_0^2: any noise tells
        the same about it, namely nothing.

    Raises:
        ValueError: NaN or infinite activity, ``noise_variance <= 0``, or an unknown scaling.

    Source: Chelombiev et al. (2019), adaptive KDE; the exponent under "std" is this course's choice.
    """
    if not 0 < noise_variance < math.inf:
        raise ValueError(f"noise_variance is {noise_variance}; expected a finite number > 0")
    if scaling not in _SCALINGS:
        raise ValueError(f"scaling is {scaling!r}; expected one of {_SCALINGS}")
    _require_activity(h)
    largest = h.double().abs().amax((1, 2))
    largest = torch.where(largest > 0, largest, 1.0)
    power = {"std": 2, "variance": 1, "fixed": 0}[scaling]
    # A layer of 1e-200 would square to a variance of 0; the smallest normal number keeps it positive.
    return (noise_variance * largest**power).clamp(min=torch.finfo(torch.float64).tiny)


def kde_information(h: Tensor, y: Tensor, noise_variance: float | Tensor, *, backend: str = "auto") -> KdeEstimate:
    """Bounds on I(X;T) and estimates of I(Y;T) for layers seen through Gaussian noise, R at once.

    Args:
        h: activity, shape ``(R, N, D)``, float32 or float64; the N samples are equally likely inputs.
        y: labels, integers, shape ``(N,)``.
        noise_variance: s, in units of activity squared; one number or shape ``(R,)``.
        backend: "auto" (a Triton kernel for CUDA tensors), "triton" or "torch".

    Returns:
        A :class:`KdeEstimate`, float64. 0 <= lower <= truth <= upper <= ln N.

    Raises:
        TypeError: activity is not floating point, labels are not integers.
        ValueError: NaN or infinite activity, a variance <= 0, labels of another length.

    Source: Kolchinsky and Tracey (2017), the bounds from Kullback-Leibler divergence and Bhattacharyya distance; Saxe
    et al. (2018) for I(Y;T).
    """
    _require_activity(h)
    variance = torch.as_tensor(noise_variance, dtype=torch.float64, device=h.device)
    if variance.ndim > 1 or (variance.ndim == 1 and len(variance) != len(h)):
        raise ValueError(f"noise_variance has shape {tuple(variance.shape)}; expected one number or ({len(h)},)")
    if not ((variance > 0) & torch.isfinite(variance)).all():
        raise ValueError(f"noise_variance is {variance.tolist()}; expected finite numbers > 0")
    sums = pairwise_kernel_sums(h, y.to(h.device), variance.expand(len(h)), backend=backend).double()
    class_size = torch.unique(y, return_inverse=True, return_counts=True)
    class_size = class_size[2][class_size[1]].to(sums)  # (N,): how many samples share i's class
    information = math.log(h.shape[1]) - sums.log().mean(1)  # (R, 4)
    # sum_y p(y) I_y is the average over samples of ln N_y - ln S_i^same, each sample counted in its own class.
    within = class_size.log().mean() - sums[..., 1::2].log().mean(1)  # (R, 2)
    ixt = information[:, 0::2].clamp(min=0.0)  # rounding of a sum of N ones may exceed N by an ulp
    iyt = information[:, 0::2] - within
    return KdeEstimate(ixt[:, 0], ixt[:, 1], iyt[:, 0], iyt[:, 1])


def mixture_entropy_mc(
    h: Tensor, noise_variance: float | Tensor, n_samples: int, *, seed: int, block: int = 1024
) -> tuple[Tensor, Tensor]:
    """Differential entropy of T = h + Z by sampling: the truth between the bounds, with its error.

    Subtract H(Z) = D/2 ln(2 pi e s) for I(X;T).

    Args:
        h: activity, shape ``(R, N, D)``.
        noise_variance: s; one number or shape ``(R,)``.
        n_samples: draws from the mixture for each row, >= 2.
        seed: seed of the draws.
        block: draws worked on at once.

    Returns:
        ``(entropy, stderr)``, each ``(R,)``, float64, nats.

    Raises:
        ValueError: as :func:`kde_information`, or ``n_samples < 2``.
    """
    _require_activity(h)
    if n_samples < 2:
        raise ValueError(f"n_samples is {n_samples}; expected an integer >= 2")
    variance = torch.as_tensor(noise_variance, dtype=torch.float64).expand(len(h))
    if not ((variance > 0) & torch.isfinite(variance)).all():
        raise ValueError(f"noise_variance is {variance.tolist()}; expected finite numbers > 0")
    generator = torch.Generator().manual_seed(seed)
    entropy, stderr = torch.empty(len(h), dtype=torch.float64), torch.empty(len(h), dtype=torch.float64)
    for row in range(len(h)):
        values = []
        centres, s = h[row].double().cpu(), variance[row].item()
        for start in range(0, n_samples, block):
            count = min(block, n_samples - start)
            chosen = centres[torch.randint(len(centres), (count,), generator=generator)]
            draws = chosen + math.sqrt(s) * torch.randn(chosen.shape, generator=generator, dtype=torch.float64)
            values.append(-mixture_log_density(draws, centres, s))
        minus_log_density = torch.cat(values)
        entropy[row] = minus_log_density.mean()
        stderr[row] = minus_log_density.std() / math.sqrt(n_samples)
    return entropy, stderr


def mixture_log_density(points: Tensor, centres: Tensor, variance: float) -> Tensor:
    """Ln density of the mixture of N equal Gaussians at M points, by one M x N block: callers stream over points.

    Args:
        points: shape ``(M, D)``, float64.
        centres: shape ``(N, D)``, float64.
        variance: s of every Gaussian in every direction, > 0.

    Returns:
        Shape ``(M,)``, nats. Differences are taken before squares, so an offset of all samples costs nothing.
    """
    distance = torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist")
    constant = math.log(len(centres)) + centres.shape[1] / 2 * math.log(2 * math.pi * variance)
    return torch.logsumexp(-(distance**2) / (2 * variance), dim=1) - constant


def _require_activity(h: Tensor) -> None:
    if not h.is_floating_point():
        raise TypeError(f"h has dtype {h.dtype}; expected a floating-point tensor")
    if h.ndim != 3 or 0 in h.shape:
        raise ValueError(f"h has shape {tuple(h.shape)}; expected (R, N, D) without an empty axis")
    if not torch.isfinite(h).all():
        bad = int((~torch.isfinite(h)).sum())
        raise ValueError(f"h holds {bad} NaN or infinite values; expected finite activity")
