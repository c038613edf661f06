"""Wrong: bad input passes."""

import numpy as np


def water_filling(g, power):
    """Powers that carry the most information at a given total."""
    ground = np.sort(1 / g)
    levels = (power + np.cumsum(ground)) / np.arange(1, len(g) + 1)
    level = levels[levels > ground][-1]
    return np.maximum(0.0, level - 1 / g)
