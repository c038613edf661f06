"""Wrong: the ridge is added to the mean over pairs."""

import numpy as np


def pooled_operator(z, ridge):
    """The operator of z_{t+1} = K z_t from windows."""
    if ridge < 0:
        raise ValueError(f"ridge is {ridge}; expected a number >= 0")
    if z.ndim != 3 or z.shape[1] < 2:
        raise ValueError(f"z has shape {z.shape}; expected (B, T, d) with T >= 2")
    d = z.shape[-1]
    before, after = z[:, :-1].reshape(-1, d), z[:, 1:].reshape(-1, d)
    return np.linalg.solve(before.T @ before / len(before) + ridge * np.eye(d), before.T @ after / len(before)).T
