"""Wrong: the distance to the (k+1)-th neighbour."""

import math

import numpy as np

EULER = 0.5772156649015329
DIGAMMA = np.concatenate([[-np.inf, -EULER], np.cumsum(1 / np.arange(1, 10_000)) - EULER])


def kl_entropy(x, k):
    """Entropy from the distances to the k-th neighbours, nats."""
    n, d = x.shape
    if not 1 <= k <= n - 1:
        raise ValueError(f"k is {k}; expected 1 to {n - 1}")
    distance = np.sqrt(sum((unit[:, None] - unit) ** 2 for unit in x.T))
    rho = np.sort(distance, axis=1)[:, min(k + 1, n - 1)]
    if not rho.all():
        raise ValueError("x holds more than k equal samples")
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(1 + d / 2)
    return float(d * np.log(rho).mean() + log_ball + math.log(n - 1) - DIGAMMA[k])
