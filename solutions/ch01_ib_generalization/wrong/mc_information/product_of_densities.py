"""Wrong: the product over the numbers of a code before the logarithm."""

import numpy as np


def mc_information(z, mean, std):
    """I(X;Z), every code counted in its crowd, nats."""
    if not z.shape == mean.shape == std.shape:
        raise ValueError("z has another shape than mean and std")
    if not (std > 0).all():
        raise ValueError("std must be > 0")
    u = (z[:, None] - mean) / std
    with np.errstate(all="ignore"):
        p = (np.exp(-0.5 * u**2) / std).prod(axis=2)
        return float(np.log(np.diag(p) / p.mean(axis=1)).mean())
