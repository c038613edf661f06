"""Errors of forecasts, with what they are divided by in the name, and distances of long-run statistics.

Papers print NRMSE, spectral and distribution errors without formulas; these are ours, written out.
"""

import math

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from corelib.information.samples import require_option


def nrmse(pred: Tensor, true: Tensor, *, normalise: str, per: int | None = None) -> Tensor:
    """Root mean square error over one scale of the truth.

    Args:
        pred: forecasts, any shape.
        true: the truth, same shape and unit.
        normalise: the scale, taken over all entries of ``true``: "std" for the standard deviation, so that their mean
            as a forecast has error 1; "range" for maximum minus minimum; "norm" for the root mean square, so that
            zero as a forecast has error 1.
        per: an axis, such as that of the horizon, along which errors are kept apart; the scale remains a common one.

    Returns:
        A scalar, or the errors along ``per``; a fraction, not per cent; float64.

    Raises:
        ValueError: shapes that differ, NaN or infinite entries, an unknown option or axis, or a truth of scale zero.

    Source: textbook; the three denominators in use in the literature.
    """
    require_option("normalise", normalise, ("std", "range", "norm"))
    pred, true = _pair(pred, true)
    if per is not None and not -true.ndim <= per < true.ndim:
        raise ValueError(f"per is {per}; expected an axis of shape {tuple(true.shape)}")
    squares = ((pred - true) / _scale(true, normalise)) ** 2
    mean = squares.mean() if per is None else squares.movedim(per, 0).reshape(true.shape[per], -1).mean(1)
    return mean.sqrt()


def spectral_error(pred: Tensor, true: Tensor, *, smoothing: float = 2.0) -> Tensor:
    """Hellinger distance between the distributions of power over frequency.

    The power spectrum of each series without its mean is averaged over series and components, smoothed and divided by
    its sum: amplitudes and phases do not count, frequencies do.

    Args:
        pred: forecasts, shape ``(..., T, n)``, T >= 4 times of n components.
        true: the truth, same shape.
        smoothing: standard deviation of the Gaussian smoothing, in frequency steps of 1 / T; 0 for none. A single
            chaotic series has a ragged spectrum, and two exact simulations would seem to differ without it.

    Returns:
        A scalar from 0 (same distribution) to 1 (no frequency in common); 1 for a forecast without any motion.

    Raises:
        ValueError: shapes that differ, T < 4, NaN, ``smoothing < 0``, or a truth that does not move.

    Source: Mikhaeil, Monfared and Durstewitz (2022), the power-spectrum error; here pooled over components.
    """
    pred, true = _pair(pred, true)
    if true.ndim < 2 or true.shape[-2] < 4:
        raise ValueError(f"true has shape {tuple(true.shape)}; expected (..., T, n) with T >= 4")
    if not 0 <= smoothing < math.inf:
        raise ValueError(f"smoothing is {smoothing}; expected a finite number >= 0")
    p, q = _power(true, smoothing), _power(pred, smoothing)
    if p.sum() == 0:
        raise ValueError("true does not change in time; expected a series with a spectrum")
    return torch.as_tensor(float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)) if q.sum() > 0 else 1.0).double()


def state_kld(pred: Tensor, true: Tensor, *, bins: int = 50) -> Tensor:
    """Divergence KL(truth || forecast) between histograms of states, mean over components.

    Bins of equal width over the range of the truth and one on either side for what lies beyond; half a count is added
    to each bin of both histograms, so that an empty one costs much, and not everything.

    Args:
        pred: forecast states, shape ``(N, n)``.
        true: true states, shape ``(M, n)``; M may differ from N.
        bins: bins over the truth's range, >= 2. Marginal ones: how components hang together does not count.

    Returns:
        A scalar >= 0, nats. Of two samples of one law it is of the order of bins / (2 N) + bins / (2 M), not zero.

    Raises:
        ValueError: shapes that do not fit, NaN, ``bins < 2``, or a component of the truth that is constant.

    Source: Krichevsky and Trofimov (1981) for the half count; the divergence of histograms is textbook.
    """
    pred, true = _finite("pred", pred), _finite("true", true)
    if true.ndim != 2 or pred.ndim != 2 or pred.shape[1] != true.shape[1] or 0 in pred.shape + true.shape:
        raise ValueError(f"pred has shape {tuple(pred.shape)}, true {tuple(true.shape)}; expected (N, n) and (M, n)")
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 2:
        raise ValueError(f"bins is {bins!r}; expected an integer >= 2")
    low, high = true.amin(0), true.amax(0)
    if bool((low == high).any()):
        raise ValueError("true has a component that never changes; expected states that move in every component")
    divergences = []
    for j in range(true.shape[1]):
        edges = torch.linspace(low[j].item(), high[j].item(), bins + 1, dtype=torch.float64)
        p, q = (_shares(states[:, j].contiguous(), edges) for states in (true, pred))
        divergences.append((p * (p / q).log()).sum())
    return torch.stack(divergences).mean()


def _scale(true: Tensor, normalise: str) -> Tensor:
    if normalise == "norm":
        scale = (true**2).mean().sqrt()
    else:
        scale = true.max() - true.min()  # exactly zero for a constant, where a standard deviation may leave specks
        if normalise == "std" and scale > 0:
            scale = true.std(correction=0)
    if scale == 0:
        raise ValueError(f"true has the scale 0 ({normalise}); expected values that differ, or another normalise")
    return scale


def _shares(values: Tensor, edges: Tensor) -> Tensor:
    """Share of each bin; the uppermost edge belongs to the last bin inside, as the truth's maximum does."""
    inside = len(edges) - 1
    code = torch.bucketize(values, edges, right=True)
    code = torch.where(values == edges[-1], torch.full_like(code, inside), code)
    counts = torch.bincount(code, minlength=inside + 2) + 0.5
    return counts.double() / counts.sum()


def _power(series: Tensor, smoothing: float) -> np.ndarray:
    """Power at the positive frequencies, sum one; all zero for a series that does not move."""
    moving = series - series[..., :1, :]  # exactly zero for a constant, whatever the mean rounds to
    largest = moving.abs().max()
    if largest == 0:
        return np.zeros(series.shape[-2] // 2)
    spectrum = torch.fft.rfft(moving / largest, dim=-2).abs() ** 2
    power = spectrum.movedim(-2, 0).flatten(1).sum(1).numpy()[1:]  # without the mean
    smooth = gaussian_filter1d(power, smoothing) if smoothing > 0 else power
    return smooth / smooth.sum()


def _pair(pred: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    pred, true = _finite("pred", pred), _finite("true", true)
    if pred.shape != true.shape or true.numel() == 0:
        raise ValueError(f"pred has shape {tuple(pred.shape)}, true {tuple(true.shape)}; expected one shape, not empty")
    return pred, true


def _finite(name: str, value: Tensor) -> Tensor:
    value = torch.as_tensor(value).detach().cpu().to(torch.float64)
    if not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} has a NaN or infinite entry; expected finite numbers")
    return value
