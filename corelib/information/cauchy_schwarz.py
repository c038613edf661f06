"""Divergence and dependence by the angle between kernel densities: Cauchy-Schwarz quantities, and HSIC beside them.

D_CS(p; q) = ln [ int p^2 int q^2 / (int p q)^2 ]. With a Gaussian kernel on samples it is -2 ln cos of the angle
between two kernel mean embeddings, of which MMD^2 is the squared distance. Nothing is divided by a density, so the
supports need not overlap. What is measured is the *smoothed* densities: a bandwidth s adds s^2 / 2 to each variance,
which is why the dependence of a layer on its input comes out finite without noise; s belongs beside every number.

Sums of kernels across samples are kept as logarithms, so that samples far apart give a large number and not ln 0; a
sum within one sample holds the ones of its diagonal and cannot vanish. Samples are torch tensors ``(N, d)``, float32 or
float64. Results are differentiable in them and come in the dtype of the first argument; the arithmetic is in float64,
because a code of scale e tells about itself only of the order of e^4. Divergences and CS-QMI are in nats; the
normalised CS-QMI and HSIC have no unit.
"""

import math

import torch
from torch import Tensor

from corelib.information.samples import DegenerateSampleError


def gaussian_gram(a: Tensor, b: Tensor, bandwidth: float = 1.0) -> Tensor:
    """Kernel of every sample of ``a`` with every sample of ``b``, exp(-|a_i - b_j|^2 / (2 s^2)).

    Args:
        a: samples, shape ``(N, d)``.
        b: samples, shape ``(M, d)``.
        bandwidth: s, > 0, in units of the samples.

    Returns:
        Values in [0, 1], shape ``(N, M)``.

    Raises:
        ValueError: samples that are not ``(N, d)``, empty, NaN, infinite, of different d, or so far apart that the
            squared distance overflows; a bandwidth that is not a finite number > 0.
        TypeError: samples that are not float32 or float64 tensors.

    Source: Yu et al. (2024), CS-IB, the kernel of section 3.
    """
    _require_samples("a", a)
    _require_samples("b", b)
    _require_same_columns("a", a, "b", b)
    return _log_gram(a, b, bandwidth, "bandwidth").exp().to(a.dtype)


def cs_divergence(p: Tensor, q: Tensor, bandwidth: float = 1.0) -> Tensor:
    """Cauchy-Schwarz divergence of two samples: ln mean K_pp + ln mean K_qq - 2 ln mean K_pq.

    Args:
        p: samples of one distribution, shape ``(N, d)``; one is enough.
        q: samples of the other, shape ``(M, d)``.
        bandwidth: s, > 0, in units of the samples.

    Returns:
        A scalar >= 0 (up to rounding), nats, 0 for equal samples; for two single points d^2 / s^2. It is the exact
        divergence of the two kernel density estimates of bandwidth s / sqrt(2).

    Raises:
        ValueError, TypeError: as :func:`gaussian_gram`.

    Source: Principe (2010), information theoretic learning; Yu et al. (2024), CS-IB, section 3.
    """
    _require_samples("p", p)
    _require_samples("q", q)
    _require_same_columns("p", p, "q", q)
    log_pp, log_qq, log_pq = [_log_mean(_log_gram(a, b, bandwidth, "bandwidth")) for a, b in ((p, p), (q, q), (p, q))]
    return (log_pp + log_qq - 2 * log_pq).to(p.dtype)


def cs_qmi(x: Tensor, t: Tensor, bandwidth_x: float = 1.0, bandwidth_t: float = 1.0) -> Tensor:
    """Cauchy-Schwarz quadratic mutual information, the divergence of p(x, t) from p(x) p(t).

    With K and Q the kernels on x and t: ln (1/N^2) sum_ij K_ij Q_ij + ln (1/N^4) sum K sum Q
    - 2 ln (1/N^3) sum_i (sum_j K_ij) (sum_j Q_ij).

    Args:
        x: samples, shape ``(N, d)``, N >= 2.
        t: their partners, shape ``(N, k)``.
        bandwidth_x: s of the kernel on x, > 0, in units of x.
        bandwidth_t: s of the kernel on t, > 0, in units of t.

    Returns:
        A scalar, nats: >= 0 up to rounding, symmetric in (x, t), 0 for a product grid; ln N for t = x with all N
        samples far apart, so values near ln N say that the bandwidth is small and not that the dependence is large.

    Raises:
        ValueError: samples or bandwidths as :func:`gaussian_gram` refuses them, different N, or N < 2.
        TypeError: samples that are not float32 or float64 tensors.

    Source: Yu et al. (2024), CS-IB, proposition 2.
    """
    return _qmi(*_grams(x, t, bandwidth_x, bandwidth_t)).to(x.dtype)


def cs_qmi_normalized(x: Tensor, t: Tensor, bandwidth_x: float = 1.0, bandwidth_t: float = 1.0) -> Tensor:
    """CS-QMI over the geometric mean of what x and t tell about themselves: I(x; t) / sqrt(I(x; x) I(t; t)).

    Args:
        x: samples, shape ``(N, d)``, N >= 2.
        t: their partners, shape ``(N, k)``.
        bandwidth_x: s of the kernel on x, > 0, in units of x.
        bandwidth_t: s of the kernel on t, > 0, in units of t.

    Returns:
        A scalar without unit, >= 0 up to rounding and 1 for t = x. It is no fraction: where t tells samples apart
        that x has together at the bandwidths (noise in many columns does), it may exceed 1.

    Raises:
        ValueError: as :func:`cs_qmi`.
        DegenerateSampleError: samples that are all alike at their bandwidth: they tell nothing about themselves, and
            the ratio is 0/0.
        TypeError: samples that are not float32 or float64 tensors.

    Source: Yu et al. (2024), CS-IB, released code.
    """
    k, q = _grams(x, t, bandwidth_x, bandwidth_t)
    own = {"x": _qmi(k, k), "t": _qmi(q, q)}
    for name, value in own.items():
        if value <= 50 * torch.finfo(value.dtype).eps:  # a few roundings of logarithms of order 1
            raise DegenerateSampleError(
                f"{name} is constant at its bandwidth; expected samples that differ, or a smaller bandwidth"
            )
    return (_qmi(k, q) / torch.sqrt(own["x"] * own["t"])).to(x.dtype)


def conditional_cs_divergence(
    x: Tensor, y: Tensor, y_hat: Tensor, bandwidth_x: float = 1.0, bandwidth_y: float = 1.0
) -> Tensor:
    """Divergence of the predictions' law p(y_hat | x) from the targets' p(y | x): the prediction loss of CS-IB.

    With K the kernel on x, and L on (y, y), (y_hat, y_hat) and (y_hat, y):
    ln sum_j a_j(L_yy) + ln sum_j a_j(L_hh) - 2 ln sum_j a_j(L_hy), where a_j(L) = sum_i K_ji L_ji / (sum_i K_ji)^2.

    The released code passes y and y_hat as ``(N,)``, so that its Gram matrices are constant and its loss is the squared
    error over ln 2; here such targets are refused.

    Args:
        x: inputs, shape ``(N, d)``, N >= 2.
        y: targets, shape ``(N, k)``.
        y_hat: predictions, shape ``(N, k)``.
        bandwidth_x: s of the kernel on x, > 0, in units of x.
        bandwidth_y: s of the kernels on targets and predictions, > 0, in units of y.

    Returns:
        A scalar, nats, 0 for ``y_hat = y``. Its weights belong to the rows j alone, so that it changes when y and y_hat
        change places, and the Cauchy-Schwarz inequality does not hold it above 0: bad predictions can score below 0.

    Raises:
        ValueError: samples or bandwidths as :func:`gaussian_gram` refuses them, different N or k, or N < 2.
        TypeError: samples that are not float32 or float64 tensors.

    Source: Yu et al. (2024), CS-IB, proposition 1.
    """
    log_k, log_yy, log_hh = _log_grams({"x": (x, bandwidth_x), "y": (y, bandwidth_y), "y_hat": (y_hat, bandwidth_y)})
    _require_same_columns("y", y, "y_hat", y_hat)
    log_weight = log_k - 2 * log_k.exp().sum(1, keepdim=True).log()
    log_hy = _log_gram(y_hat, y, bandwidth_y, "bandwidth_y")
    own, predicted = [(log_weight + log_l).exp().sum().log() for log_l in (log_yy, log_hh)]
    cross = torch.logsumexp((log_weight + log_hy).flatten(), 0)
    return (own + predicted - 2 * cross).to(x.dtype)


def hsic(x: Tensor, t: Tensor, bandwidth_x: float = 1.0, bandwidth_t: float = 1.0) -> Tensor:
    """Hilbert-Schmidt independence criterion, tr(K H Q H) / N^2 with H = I - 1/N: the squared distance where CS-QMI
    takes the angle.

    Args:
        x: samples, shape ``(N, d)``, N >= 2.
        t: their partners, shape ``(N, k)``.
        bandwidth_x: s of the kernel on x, > 0, in units of x.
        bandwidth_t: s of the kernel on t, > 0, in units of t.

    Returns:
        A scalar in [0, 1), without unit: no information. Its bias is of order 1/N (a V-statistic).

    Raises:
        ValueError: samples or bandwidths as :func:`gaussian_gram` refuses them, different N, or N < 2.
        TypeError: samples that are not float32 or float64 tensors.

    Source: Gretton et al. (2005), the biased estimate, with N^2 for (N - 1)^2.
    """
    k, q = _grams(x, t, bandwidth_x, bandwidth_t)
    centred = k - k.mean(0) - k.mean(1, keepdim=True) + k.mean()
    return (centred * q).mean().to(x.dtype)  # centring one of the two is enough, since H H = H


def _grams(x: Tensor, t: Tensor, bandwidth_x: float, bandwidth_t: float) -> list[Tensor]:
    return [log_gram.exp() for log_gram in _log_grams({"x": (x, bandwidth_x), "t": (t, bandwidth_t)})]


def _qmi(k: Tensor, q: Tensor) -> Tensor:
    rows_k, rows_q = k.mean(1), q.mean(1)
    return (k * q).mean().log() + (rows_k.mean() * rows_q.mean()).log() - 2 * (rows_k * rows_q).mean().log()


def _log_mean(logs: Tensor) -> Tensor:
    return torch.logsumexp(logs.flatten(), 0) - math.log(logs.numel())


def _log_gram(a: Tensor, b: Tensor, bandwidth: float, name: str) -> Tensor:
    """-|a_i - b_j|^2 / (2 s^2), shape ``(N, M)``, float64."""
    if not 0 < bandwidth < math.inf:
        raise ValueError(f"{name} is {bandwidth}; expected a finite number > 0")
    # Not by expanding the square: that loses the distances of samples with a large offset.
    distance = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
    logs = -((distance / bandwidth) ** 2) / 2
    if not torch.isfinite(logs).all():
        raise ValueError(
            f"{name} is {bandwidth}, so small against the distances of the samples that their squared ratio overflows; "
            "expected a larger one, or rescaled samples"
        )
    return logs


def _log_grams(samples: dict[str, tuple[Tensor, float]]) -> list[Tensor]:
    """Log-kernels of paired samples, one ``(N, N)`` for each (samples, bandwidth)."""
    sizes = {}
    for name, (values, _) in samples.items():
        _require_samples(name, values)
        sizes[name] = len(values)
    names = ", ".join(sizes)
    if len(set(sizes.values())) > 1:
        raise ValueError(f"{names} have {', '.join(map(str, sizes.values()))} samples; expected as many of each")
    if min(sizes.values()) < 2:
        raise ValueError(f"{names} have 1 sample each; expected at least 2")
    return [
        _log_gram(values, values, bandwidth, "bandwidth_y" if name == "y_hat" else f"bandwidth_{name}")
        for name, (values, bandwidth) in samples.items()
    ]


def _require_samples(name: str, values: Tensor) -> None:
    if not isinstance(values, Tensor) or values.dtype not in (torch.float32, torch.float64):
        what = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(f"{name} is {what}; expected a float32 or float64 torch.Tensor of shape [N, d]")
    if values.ndim != 2:
        hint = f"; use {name}[:, None]" if values.ndim == 1 else ""
        raise ValueError(f"{name} has shape {tuple(values.shape)}; expected [N, d]{hint}")
    if 0 in values.shape:
        raise ValueError(f"{name} has shape {tuple(values.shape)}; expected [N, d] with N >= 1 and d >= 1")
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite samples")


def _require_same_columns(name_a: str, a: Tensor, name_b: str, b: Tensor) -> None:
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name_a} has shape {tuple(a.shape)} and {name_b} {tuple(b.shape)}; expected the same number of columns"
        )
