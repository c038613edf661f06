"""Wrong: x and y have a k-th neighbour and an epsilon each."""

import numpy as np

EULER = 0.5772156649015329
DIGAMMA = np.concatenate([[-np.inf, -EULER], np.cumsum(1 / np.arange(1, 10_000)) - EULER])


def ksg_mi(x, y, k):
    """I(X;Y) by the first KSG algorithm, nats."""
    n = len(x)
    if len(y) != n:
        raise ValueError(f"y has {len(y)} samples; expected {n}")
    if not 1 <= k <= n - 1:
        raise ValueError(f"k is {k}; expected 1 to {n - 1}")
    of_x, of_y = (np.abs(side[:, None] - side).max(axis=2) for side in (x, y))
    n_x, n_y = ((side < np.sort(side, axis=1)[:, [k]]).sum(axis=1) - 1 for side in (of_x, of_y))
    return float(DIGAMMA[k] + DIGAMMA[n] - (DIGAMMA[n_x + 1] + DIGAMMA[n_y + 1]).mean())
