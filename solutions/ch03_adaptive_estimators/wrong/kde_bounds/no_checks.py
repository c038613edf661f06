"""Wrong: a noise variance of 0 or NaN and a NaN in the layer pass without a word."""

import numpy as np


def kde_bounds(h, noise_variance):
    """Upper and lower bound on I(X;T), nats."""
    upper = lower = 0.0
    for row in h:
        distance = ((h - row) ** 2).sum(axis=1)
        upper += np.log(np.mean(np.exp(-distance / (2 * noise_variance))))
        lower += np.log(np.mean(np.exp(-distance / (8 * noise_variance))))
    return float(-upper / len(h)), float(-lower / len(h))
