"""Wrong: in bits."""

import numpy as np


def pca_loss_bounds(covariance, sigma):
    """Most that PCA to m = 0 .. D axes can lose, nats."""
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; expected a number > 0")
    variances = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)
    terms = 0.5 * np.log2((variances + sigma**2) / sigma**2)
    return np.array([terms[m:].sum() for m in range(len(terms) + 1)])
