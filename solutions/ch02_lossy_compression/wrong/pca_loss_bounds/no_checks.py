"""Wrong: sigma = 0 and a negative one pass without a word."""

import numpy as np


def pca_loss_bounds(covariance, sigma):
    """Most that PCA to m = 0 .. D axes can lose, nats."""
    variances = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)
    sigma = max(abs(sigma), 1e-12)
    terms = 0.5 * np.log((variances + sigma**2) / sigma**2)
    return np.array([terms[m:].sum() for m in range(len(terms) + 1)])
