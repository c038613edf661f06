"""Wrong: vectors and bandwidths of 0 pass."""

import numpy as np
from scipy.special import logsumexp


def conditional_cs(x, y, y_hat, bandwidth_x, bandwidth_y):
    """Conditional Cauchy-Schwarz divergence, nats."""
    x, y, y_hat = (values.reshape(len(values), -1) for values in (x, y, y_hat))
    bandwidth_x, bandwidth_y = max(abs(bandwidth_x), 1e-3), max(abs(bandwidth_y), 1e-3)

    def exponents(a, b, s):
        difference = a[:, None, :] - b[None, :, :]
        return -np.sum(difference**2, axis=-1) / (2 * s**2)

    log_k = exponents(x, x, bandwidth_x)
    below = 2 * logsumexp(log_k, axis=1)
    terms = []
    for a, b in ((y, y), (y_hat, y_hat), (y_hat, y)):
        rows = logsumexp(log_k + exponents(a, b, bandwidth_y), axis=1) - below
        terms.append(logsumexp(rows))
    own, predicted, cross = terms
    return float(own + predicted - 2 * cross)
