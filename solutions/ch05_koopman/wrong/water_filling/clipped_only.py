"""Wrong: the level of all modes, negative powers cut off."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    return np.maximum(0.0, (power + (1 / g).sum()) / len(g) - 1 / g)
