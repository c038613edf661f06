"""Wrong: both images show the same numbers."""

import math

import numpy as np

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def correlated_uniforms(z, noise, mi):
    """Uniform parameters of two images with mi nats between them."""
    if not mi >= 0:
        raise ValueError(f"mi is {mi}; expected a number of nats >= 0")
    u = erfc(-z / math.sqrt(2)) / 2
    return u, u.copy()
