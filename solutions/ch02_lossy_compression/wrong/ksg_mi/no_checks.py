"""Wrong: k out of range and a missing y pass without a word."""

import numpy as np

EULER = 0.5772156649015329
DIGAMMA = np.concatenate([[-np.inf, -EULER], np.cumsum(1 / np.arange(1, 10_000)) - EULER])


def ksg_mi(x, y, k):
    """I(X;Y) by the first KSG algorithm, nats."""
    n = len(x)
    x, k = x[: len(y)], min(k, n - 1)
    n = len(x)
    of_x, of_y = (np.abs(side[:, None] - side).max(axis=2) for side in (x, y))
    epsilon = np.sort(np.maximum(of_x, of_y), axis=1)[:, [k]]
    n_x, n_y = ((distance < epsilon).sum(axis=1) - 1 for distance in (of_x, of_y))
    return float(DIGAMMA[k] + DIGAMMA[n] - (DIGAMMA[n_x + 1] + DIGAMMA[n_y + 1]).mean())
