"""Wrong: base-2 logarithms: bits instead of nats."""

import numpy as np


def kde_bounds(h, noise_variance):
    """Upper and lower bound on I(X;T), nats."""
    if not noise_variance > 0:
        raise ValueError(f"noise_variance is {noise_variance}; expected a number > 0")
    if not np.isfinite(h).all():
        raise ValueError("h holds NaN or infinite values")
    upper = lower = 0.0
    for row in h:
        distance = ((h - row) ** 2).sum(axis=1)
        upper += np.log2(np.mean(np.exp(-distance / (2 * noise_variance))))
        lower += np.log2(np.mean(np.exp(-distance / (8 * noise_variance))))
    return float(-upper / len(h)), float(-lower / len(h))
