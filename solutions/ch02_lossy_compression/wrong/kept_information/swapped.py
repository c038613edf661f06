"""Wrong: the upper end comes first."""

import numpy as np


def kept_information(total, losses):
    """Range of the information that is left with m = 0 .. D axes, nats."""
    if not 0 <= total <= losses[0]:
        raise ValueError(f"total is {total}; expected 0 to {losses[0]}")
    low = np.maximum(0.0, total - losses)
    high = np.minimum(total, losses[0] - losses)
    return high, low
