"""Wrong: one operator for each window, then the mean."""

import numpy as np


def pooled_operator(z, ridge):
    """The operator of z_{t+1} = K z_t from windows."""
    if ridge < 0:
        raise ValueError(f"ridge is {ridge}; expected a number >= 0")
    if z.ndim != 3 or z.shape[1] < 2:
        raise ValueError(f"z has shape {z.shape}; expected (B, T, d) with T >= 2")
    operators = []
    for window in z:
        before, after = window[:-1], window[1:]
        gram = before @ before.T + ridge * np.eye(len(before))  # the small side: fewer pairs than dimensions
        operators.append((before.T @ np.linalg.pinv(gram) @ after).T)
    return np.mean(operators, axis=0)
