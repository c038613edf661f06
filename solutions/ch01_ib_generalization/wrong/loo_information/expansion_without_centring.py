"""Wrong: the square is expanded far from 0."""

import numpy as np


def loo_information(z, mean, std):
    """I(X;Z), every code against the others, nats."""
    n = len(z)
    if n < 2:
        raise ValueError("z has fewer than two rows")
    precision = 1 / std**2
    square = z**2 @ precision.T - 2 * z @ (mean * precision).T + (mean**2 * precision).sum(axis=1)
    log_p = -0.5 * square - np.log(std).sum(axis=1)
    own = np.diag(log_p).copy()
    np.fill_diagonal(log_p, -np.inf)
    top = log_p.max(axis=1)
    crowd = top + np.log(np.exp(log_p - top[:, None]).sum(axis=1) / (n - 1))
    return float((own - crowd).mean())
