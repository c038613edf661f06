"""Information that passes a Gaussian channel T = f(X) + sigma Z: a ceiling, and the value for the samples at hand.

Noise is what makes the information between the input and a deterministic layer finite. Its size is then the size of
the information: sigma belongs beside every number from here. Everything is in nats.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.information.estimate import MIEstimate, from_local
from corelib.information.kde import mixture_log_density
from corelib.information.samples import as_samples


def gaussian_channel_bound(variances: Sequence[float] | np.ndarray | Tensor, sigma: float) -> float:
    """The most that a layer with these variances can tell through additive Gaussian noise.

    Attained by a Gaussian layer: 1/2 sum_j ln(1 + v_j / sigma^2).

    Args:
        variances: variances of the noiseless layer along its principal axes (eigenvalues of its covariance), shape
            ``(D,)``, >= 0, in units of activity squared.
        sigma: standard deviation of the noise in each direction, > 0.

    Returns:
        Upper bound on I(X; f(X) + sigma Z), nats.

    Raises:
        ValueError: a negative, NaN or infinite variance, another shape, or ``sigma <= 0``.

    Source: Cover and Thomas (2006), parallel Gaussian channels; chapter 2, equation of section 2.1.
    """
    variances = np.asarray(variances, dtype=np.float64)
    if variances.ndim != 1 or not ((variances >= 0) & np.isfinite(variances)).all():
        raise ValueError(f"variances is {variances.tolist()}; expected a list of finite numbers >= 0")
    _require_sigma(sigma)
    # ln(1 + v / sigma^2) without the quotient, which may overflow.
    with np.errstate(divide="ignore"):
        return float(0.5 * np.logaddexp(0.0, np.log(variances) - 2 * math.log(sigma)).sum())


def sample_propagation_mi(
    signals: np.ndarray | Tensor,
    sigma: float,
    *,
    n_noise: int = 1,
    block: int = 512,
    rng: np.random.Generator | int,
) -> MIEstimate:
    """Information between the inputs and a layer with noise on its output, for the N inputs at hand.

    The input is uniform over the N samples s_i = f(x_i), so T is a mixture of N Gaussians, which is drawn from:
    I = mean of ln N(t_i; s_i, sigma^2) - ln (1/N) sum_j N(t_i; s_j, sigma^2), t_i = s_i + sigma z_i. The first term
    belongs to the draw; its expectation, -D/2 ln(2 pi e sigma^2), would do as well but leave the noise of |z|^2 in.

    For the noise of *this* layer only: with noise in earlier layers too, s_i is not a function of the input.

    Args:
        signals: noiseless outputs of the layer, shape ``(N, D)`` or ``(N,)``.
        sigma: standard deviation of the noise, > 0, in units of the signals.
        n_noise: draws of noise for each sample, >= 1.
        block: samples worked on at once; memory grows as ``block * N``, time as ``n_noise * N^2 * D``.
        rng: generator of the noise, or a seed for one.

    Returns:
        A :class:`MIEstimate`, at most ln N. ``local`` holds the samples' contributions, averaged over their draws; the
        standard error is of their mean, for the noise and the choice of the N samples. That a finite N cannot show
        more than ln N is no sampling error: close to it the value is a lower bound of what more samples would show.

    Raises:
        ValueError: ``sigma <= 0``, ``n_noise`` or ``block < 1``, or signals as :func:`as_samples` refuses them.

    Source: Goldfeld et al. (2019), the sample-propagation estimator; with the noise term paired as above.
    """
    centres = torch.from_numpy(as_samples("signals", signals))
    _require_sigma(sigma)
    for name, value in (("n_noise", n_noise), ("block", block)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected an integer >= 1")
    rng, dimension = np.random.default_rng(rng), centres.shape[1]
    own_constant = dimension / 2 * math.log(2 * math.pi * sigma**2)
    local = []
    for own in centres.split(block):
        noise = torch.from_numpy(rng.standard_normal((len(own), n_noise, dimension)))
        total = torch.zeros(len(own), dtype=torch.float64)
        for draw in noise.unbind(1):
            t = own + sigma * draw
            own_log_density = -((t - own) ** 2).sum(1) / (2 * sigma**2) - own_constant
            total += own_log_density - mixture_log_density(t, centres, sigma**2)
        local.append(total / n_noise)
    draws = "1 draw" if n_noise == 1 else f"{n_noise} draws"
    return from_local(torch.cat(local).numpy(), f"sample propagation, sigma = {sigma:g}, {draws} of noise a sample")


def _require_sigma(sigma: float) -> None:
    # A variance that underflows to 0 or overflows is no better than a wrong sigma.
    if not (sigma > 0 and 0 < sigma**2 < math.inf):
        raise ValueError(f"sigma is {sigma}; expected a finite number > 0")
