"""Wrong: a ground of 2/g, from a half that cancels."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    ground = np.sort(2 / g)
    levels = (power + np.cumsum(ground)) / np.arange(1, len(g) + 1)
    level = levels[levels > ground][-1]
    return np.maximum(0.0, level - 2 / g)
