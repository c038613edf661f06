"""Wrong: power in proportion to 1/g."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    return power / g / np.sum(1 / g)
