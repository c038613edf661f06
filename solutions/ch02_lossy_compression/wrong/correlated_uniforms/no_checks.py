"""Wrong: a negative or NaN information passes without a word."""

import math

import numpy as np

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def correlated_uniforms(z, noise, mi):
    """Uniform parameters of two images with mi nats between them."""
    rho = math.sqrt(abs(1 - math.exp(-2 * mi / z.shape[1])))
    y = rho * z + math.sqrt(1 - rho**2) * noise
    return erfc(-z / math.sqrt(2)) / 2, erfc(-y / math.sqrt(2)) / 2
