"""Wrong: a negative total and one above the first bound pass without a word."""

import numpy as np


def kept_information(total, losses):
    """Range of the information that is left with m = 0 .. D axes, nats."""
    low = np.maximum(0.0, total - losses)
    high = np.minimum(total, losses[0] - losses)
    return low, high
