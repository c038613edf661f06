"""Wrong: the sum over j leaves out j = i."""

import numpy as np


def kde_bounds(h, noise_variance):
    """Upper and lower bound on I(X;T), nats."""
    if not noise_variance > 0:
        raise ValueError(f"noise_variance is {noise_variance}; expected a number > 0")
    if not np.isfinite(h).all():
        raise ValueError("h holds NaN or infinite values")
    upper = lower = 0.0
    for i in range(len(h)):
        distance = ((np.delete(h, i, axis=0) - h[i]) ** 2).sum(axis=1)
        upper += np.log(np.mean(np.exp(-distance / (2 * noise_variance))))
        lower += np.log(np.mean(np.exp(-distance / (8 * noise_variance))))
    return float(-upper / len(h)), float(-lower / len(h))
