"""Wrong: a level searched for with a coarse tolerance."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    low, high = 0.0, power + (1 / g).max()
    while high - low > 1e-4:
        level = (low + high) / 2
        if np.maximum(0.0, level - 1 / g).sum() > power:
            high = level
        else:
            low = level
    return np.maximum(0.0, low - 1 / g)
