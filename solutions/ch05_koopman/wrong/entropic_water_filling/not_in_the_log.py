"""Wrong: powers are searched for by halving steps along p."""

import numpy as np


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; the entropy is rewarded: expected a weight > 0")
    pull = gamma / power

    def powers(mu):
        low, high = np.full(len(g), 1e-16 * power), np.full(len(g), 3.0 * power)
        for _ in range(55):
            p = (low + high) / 2
            above = g / (2 * (1 + g * p)) - pull * (np.log(p / power) + 1) > mu
            low, high = np.where(above, p, low), np.where(above, high, p)
        return (low + high) / 2

    low, high = -9 * gamma / power, g.max() + 9 * gamma / power
    for _ in range(80):
        mu = (low + high) / 2
        low, high = (mu, high) if powers(mu).sum() > power else (low, mu)
    p = powers((low + high) / 2)
    return power * p / p.sum()
