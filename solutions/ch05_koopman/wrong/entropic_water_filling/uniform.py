"""Wrong: the same power for every mode."""

import numpy as np


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; the entropy is rewarded: expected a weight > 0")
    return np.full(len(g), power / len(g))
