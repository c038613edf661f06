"""Power shared out among parallel Gaussian channels, with and without a reward for spreading it.

Water-filling is what a latent does that is trained to carry information at a given total variance: strong modes get
the power, weak ones nothing at all. An entropy in the objective keeps every mode wet. Nats.
"""

import math

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

_HALVINGS, _STEPS = 60, 120  # Newton steps alone would crawl along an exponential, one unit at a time


def water_filling(g: Tensor, power: float) -> Tensor:
    """Powers that carry the most information, 1/2 sum_i ln(1 + g_i p_i), at a given total.

    Args:
        g: gains of the channels, > 0, shape ``(d,)``, in units of one over power.
        power: the total, > 0.

    Returns:
        p_i = max(0, level - 1 / g_i), shape ``(d,)``, sum ``power``; float64.

    Raises:
        ValueError: a gain that is not finite and > 0, another shape, or ``power <= 0``.

    Source: Cover and Thomas (2006), section 9.4; Cheng et al. (2026), arXiv:2510.13025, equations 39 to 43.
    """
    g, power = _checked(g, power)
    floor = 1 / (g * power)  # height of the ground, in units of the total power
    ground = np.sort(floor)
    # With the m lowest places under water the level is (1 + their heights) / m; m is the most for which all of them
    # are. Height above the lowest place, so that a high ground does not swallow the water.
    above = ground - ground[0]
    levels = (1 + np.cumsum(above)) / np.arange(1, len(g) + 1)
    level = levels[levels > above][-1]
    share = np.maximum(0.0, level - (floor - ground[0]))
    return torch.from_numpy(power * share / share.sum())


def entropic_water_filling(g: Tensor, power: float, gamma: float) -> Tensor:
    """Powers that maximise 1/2 sum_i ln(1 + g_i p_i) + gamma S(p / power) at a given total.

    With shares q = p / power and G = g * power, every mode satisfies
    1 / (2 (1 / G_i + q_i)) - gamma (ln q_i + 1) = mu, whose left side falls in q_i. So ln q_i is found by bracketed
    Newton steps for each mu, and mu so that the shares sum to one; in logarithms, for a share may be e^-1000.

    Args:
        g: gains of the channels, > 0, shape ``(d,)``, in units of one over power.
        power: the total, > 0.
        gamma: reward of the entropy, >= 0; 0 is :func:`water_filling`.

    Returns:
        Powers, shape ``(d,)``, sum ``power``; float64. All are > 0 for gamma > 0, down to what a float64 can hold.

    Raises:
        ValueError: ``gamma < 0`` or not finite, or gains and power as :func:`water_filling` refuses them.

    Source: Cheng et al. (2026), arXiv:2510.13025, equations 44 to 49; there with the r-Lambert function.
    """
    if not 0 <= gamma < math.inf:
        raise ValueError(
            f"gamma is {gamma}; expected a finite number >= 0 (the entropy is rewarded: pass a positive weight)"
        )
    if gamma == 0:
        return water_filling(g, power)
    g, power = _checked(g, power)
    ground = 1 / (g * power)

    # The largest share lies between 1/d and 1, and mu is the left side of its mode.
    low = (0.5 / (ground + 1)).min() - gamma
    high = (0.5 / (ground + 1 / len(g))).max() + gamma * (math.log(len(g)) - 1)

    def excess(mu: float) -> float:
        return math.log(np.exp(_log_shares(ground, mu, gamma)).sum())

    margin = 1e-9 * (abs(low) + abs(high) + gamma)  # so that rounding cannot push mu out of its bracket
    mu = brentq(excess, low - margin, high + margin, xtol=1e-300, rtol=1e-15)
    share = np.exp(_log_shares(ground, mu, gamma))
    return torch.from_numpy(power * share / share.sum())


def _log_shares(ground: np.ndarray, mu: float, gamma: float) -> np.ndarray:
    """Logarithms of the shares whose slope is mu, by halving a bracket and then by Newton steps within it."""
    # The slope exceeds -gamma (ln q + 1), which equals mu at the lower end. The upper end lies above any share, so that
    # a share close to one is not cut off there.
    low = np.full_like(ground, min(0.0, -1 - mu / gamma))
    high = np.ones_like(ground)
    at = (low + high) / 2
    for step in range(_STEPS):
        below = 1 / (ground + np.exp(at))
        gap = 0.5 * below - gamma * (at + 1) - mu
        low, high = np.where(gap > 0, at, low), np.where(gap > 0, high, at)
        newton = at + gap / (0.5 * below * (np.exp(at) * below) + gamma)
        usable = (step >= _HALVINGS) & (newton > low) & (newton < high)
        following = np.where(usable, newton, (low + high) / 2)
        settled = np.abs(following - at) <= 1e-15 * (1 + np.abs(at))
        at = following
        if settled.all():
            break
    return at


def _checked(g: Tensor, power: float) -> tuple[np.ndarray, float]:
    g = torch.as_tensor(g).detach().cpu().numpy().astype(np.float64)
    if g.ndim != 1 or len(g) == 0:
        raise ValueError(f"g has shape {g.shape}; expected (d,) with d >= 1")
    if not (np.isfinite(g) & (g > 0)).all():
        raise ValueError(f"g is {g.tolist()}; expected finite gains > 0")
    if not 0 < power < math.inf:
        raise ValueError(f"power is {power}; expected a finite number > 0")
    products = g * float(power)
    if not (np.isfinite(1 / products) & (products < math.inf)).all():
        raise ValueError(f"g * power spans {products.min()} to {products.max()}; expected products within float64")
    return g, float(power)
