"""Wrong: NaN passes for a standard deviation."""

import numpy as np


def mc_information(z, mean, std):
    """I(X;Z), every code counted in its crowd, nats."""
    if not z.shape == mean.shape == std.shape:
        raise ValueError("z has another shape than mean and std")
    if (std <= 0).any():
        raise ValueError("std must be > 0")
    u = (z[:, None] - mean) / std
    log_p = (-0.5 * u**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=2)
    top = log_p.max(axis=1)
    crowd = top + np.log(np.exp(log_p - top[:, None]).mean(axis=1))
    return float((np.diag(log_p) - crowd).mean())
