"""Wrong: densities that are computed as such."""

import numpy as np


def jensen_information(z, mean, std):
    """I(X;Z) by the crowd's mean log density, nats."""
    u = (z[:, None] - mean) / std
    log_p = (-0.5 * u**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=2)
    with np.errstate(all="ignore"):
        log_p = np.log(np.exp(log_p))
    crowd = log_p.mean(axis=1)
    with np.errstate(all="ignore"):
        return float((np.diag(log_p) - crowd).mean())
