"""Wrong: means over the logarithms of the rows."""

import numpy as np
from scipy.special import logsumexp


def conditional_cs(x, y, y_hat, bandwidth_x, bandwidth_y):
    """Conditional Cauchy-Schwarz divergence, nats."""
    if x.ndim != 2:
        raise ValueError("x needs two axes")
    if y.ndim != 2:
        raise ValueError("y needs two axes")
    if y_hat.ndim != 2:
        raise ValueError("y_hat needs two axes")
    if bandwidth_x <= 0:
        raise ValueError("bandwidth_x is not above 0")
    if bandwidth_y <= 0:
        raise ValueError("bandwidth_y is not above 0")

    def exponents(a, b, s):
        difference = a[:, None, :] - b[None, :, :]
        return -np.sum(difference**2, axis=-1) / (2 * s**2)

    log_k = exponents(x, x, bandwidth_x)
    below = 2 * logsumexp(log_k, axis=1)
    terms = []
    for a, b in ((y, y), (y_hat, y_hat), (y_hat, y)):
        rows = logsumexp(log_k + exponents(a, b, bandwidth_y), axis=1) - below
        terms.append(np.mean(rows))
    own, predicted, cross = terms
    return float(own + predicted - 2 * cross)
