"""Wrong: the square is expanded far from 0."""

import numpy as np


def mc_information(z, mean, std):
    """I(X;Z), every code counted in its crowd, nats."""
    if not z.shape == mean.shape == std.shape:
        raise ValueError("z has another shape than mean and std")
    if not (std > 0).all():
        raise ValueError("std must be > 0")
    precision = 1 / std**2
    square = z**2 @ precision.T - 2 * z @ (mean * precision).T + (mean**2 * precision).sum(axis=1)
    log_p = -0.5 * square - np.log(std).sum(axis=1)
    top = log_p.max(axis=1)
    crowd = top + np.log(np.exp(log_p - top[:, None]).mean(axis=1))
    return float((np.diag(log_p) - crowd).mean())
