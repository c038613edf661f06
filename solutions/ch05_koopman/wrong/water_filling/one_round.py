"""Wrong: dry modes are dropped once, not until none is dry."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    if not (g > 0).all():
        raise ValueError(f"g is {g}; expected gains > 0")
    if not power > 0:
        raise ValueError(f"power is {power}; expected a number > 0")
    p = (power + (1 / g).sum()) / len(g) - 1 / g
    wet = p > 0
    p = (power + (1 / g[wet]).sum()) / wet.sum() - 1 / g
    return np.where(wet, np.maximum(p, 0.0), 0.0)
