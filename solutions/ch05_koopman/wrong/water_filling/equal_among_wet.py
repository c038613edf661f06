"""Wrong: the right modes, all with the same power."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    ground = np.sort(1 / g)
    levels = (power + np.cumsum(ground)) / np.arange(1, len(g) + 1)
    wet = levels[levels > ground][-1] > 1 / g
    return power * wet / wet.sum()
