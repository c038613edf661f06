"""Wrong: the same power for every mode."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    return np.full(g.shape, power / g.size)
