"""Wrong: pixel i goes from i - 1/2 to i + 1/2."""

import numpy as np


def rectangles(u, size):
    """Pictures of rectangles; a pixel holds the share of its area that is covered."""
    if not ((u >= 0) & (u <= 1)).all():
        raise ValueError("u holds parameters outside [0, 1]")
    shortest, pixel = 2 / size, np.arange(size) - 0.5
    shares = []
    for first, second in (u[:, :2].T, u[:, 2:].T):
        left = (1 - shortest) * (1 - np.sqrt(1 - first))
        right = left + shortest + second * (1 - left - shortest)
        begin, end = np.maximum(size * left[:, None], pixel), np.minimum(size * right[:, None], pixel + 1)
        shares.append(np.clip(end - begin, 0, 1))
    rows, columns = shares
    return rows[:, :, None] * columns[:, None, :]
