"""Wrong: returns the entropy of T = h + Z: the noise's own entropy is not subtracted."""

import numpy as np


def kde_bounds(h, noise_variance):
    """Upper and lower bound on I(X;T), nats."""
    if not noise_variance > 0:
        raise ValueError(f"noise_variance is {noise_variance}; expected a number > 0")
    if not np.isfinite(h).all():
        raise ValueError("h holds NaN or infinite values")
    noise = h.shape[1] / 2 * np.log(2 * np.pi * np.e * noise_variance)
    upper = lower = 0.0
    for row in h:
        distance = ((h - row) ** 2).sum(axis=1)
        upper += np.log(np.mean(np.exp(-distance / (2 * noise_variance))))
        lower += np.log(np.mean(np.exp(-distance / (8 * noise_variance))))
    return float(noise - upper / len(h)), float(noise - lower / len(h))
