"""Wrong: the first number of modes whose highest place is dry, and the level of one more."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    ground = np.sort(1 / g)
    m = 1
    while m < len(g) and (power + ground[:m].sum()) / m > ground[m - 1]:
        m += 1
    level = (power + ground[:m].sum()) / m
    return np.maximum(0.0, level - 1 / g)
