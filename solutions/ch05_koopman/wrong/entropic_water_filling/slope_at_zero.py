"""Wrong: shares by a softmax of the slopes of empty modes."""

import numpy as np


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; the entropy is rewarded: expected a weight > 0")
    logits = g * power / (2 * gamma)
    shares = np.exp(logits - logits.max())
    return power * shares / shares.sum()
