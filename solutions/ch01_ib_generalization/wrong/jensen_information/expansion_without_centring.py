"""Wrong: the square is expanded far from 0."""

import numpy as np


def jensen_information(z, mean, std):
    """I(X;Z) by the crowd's mean log density, nats."""
    precision = 1 / std**2
    square = z**2 @ precision.T - 2 * z @ (mean * precision).T + (mean**2 * precision).sum(axis=1)
    log_p = -0.5 * square - np.log(std).sum(axis=1)
    crowd = log_p.mean(axis=1)
    return float((np.diag(log_p) - crowd).mean())
