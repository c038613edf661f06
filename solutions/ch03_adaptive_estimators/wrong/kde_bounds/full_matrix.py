"""Wrong: right numbers, from a matrix of all N x N distances."""

import numpy as np


def kde_bounds(h, noise_variance):
    """Upper and lower bound on I(X;T), nats."""
    if not noise_variance > 0:
        raise ValueError(f"noise_variance is {noise_variance}; expected a number > 0")
    if not np.isfinite(h).all():
        raise ValueError("h holds NaN or infinite values")
    distance = sum((unit[:, None] - unit) ** 2 for unit in h.T)
    upper = -np.log(np.exp(-distance / (2 * noise_variance)).mean(axis=1)).mean()
    lower = -np.log(np.exp(-distance / (8 * noise_variance)).mean(axis=1)).mean()
    return float(upper), float(lower)
