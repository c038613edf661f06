"""Wrong: a fixed point of exponentials that are not normalised."""

import numpy as np


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; the entropy is rewarded: expected a weight > 0")
    pull, shares, mu = gamma / power, np.full(len(g), 1 / len(g)), 0.0
    for _ in range(2000):
        target = np.exp((g / (2 * (1 + g * power * shares)) - mu) / pull - 1)
        mu += 0.1 * pull * np.log(target.sum())
        shares = 0.95 * shares + 0.05 * target
    return power * shares / shares.sum()
