"""Wrong: 1 - exp(-2I/m) is taken for ρ."""

import math

import numpy as np

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def correlated_uniforms(z, noise, mi):
    """Uniform parameters of two images with mi nats between them."""
    if not mi >= 0:
        raise ValueError(f"mi is {mi}; expected a number of nats >= 0")
    rho = 1 - math.exp(-2 * mi / z.shape[1])
    y = rho * z + math.sqrt(1 - rho**2) * noise
    return erfc(-z / math.sqrt(2)) / 2, erfc(-y / math.sqrt(2)) / 2
