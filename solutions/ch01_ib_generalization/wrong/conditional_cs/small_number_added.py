"""Wrong: a small number added before the logarithm."""

import numpy as np


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

    kernel = np.exp(exponents(x, x, bandwidth_x))
    weight = kernel / kernel.sum(axis=1, keepdims=True) ** 2
    own, predicted, cross = (
        np.log((weight * np.exp(exponents(a, b, bandwidth_y))).sum() + 1e-12)
        for a, b in ((y, y), (y_hat, y_hat), (y_hat, y))
    )
    return float(own + predicted - 2 * cross)
