"""Wrong: a single input passes."""

import numpy as np


def loo_information(z, mean, std):
    """I(X;Z), every code against the others, nats."""
    n = len(z)
    u = (z[:, None] - mean) / std
    log_p = (-0.5 * u**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=2)
    own = np.diag(log_p).copy()
    np.fill_diagonal(log_p, -np.inf)
    top = log_p.max(axis=1)
    with np.errstate(all="ignore"):
        crowd = top + np.log(np.exp(log_p - top[:, None]).sum(axis=1) / (n - 1))
    return float((own - crowd).mean())
