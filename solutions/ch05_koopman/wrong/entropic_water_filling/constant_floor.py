"""Wrong: plain water and a constant on top."""

import numpy as np


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; the entropy is rewarded: expected a weight > 0")
    ground = np.sort(1 / g)
    levels = (power + np.cumsum(ground)) / np.arange(1, len(g) + 1)
    p = np.maximum(0.0, levels[levels > ground][-1] - 1 / g)
    p += gamma * power / len(g)
    return power * p / p.sum()
