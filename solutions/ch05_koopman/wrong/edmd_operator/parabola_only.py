"""Wrong: the dictionary is always (x1, x2, x1^2), whatever powers says."""

import numpy as np


def edmd_operator(x, y, powers):
    """Least-squares operator between lifted states."""
    if y.shape != x.shape:
        raise ValueError(f"y has shape {y.shape}; expected {x.shape}")
    if powers.ndim != 2 or powers.shape[1] != x.shape[1]:
        raise ValueError(f"powers has shape {powers.shape}; expected (m, {x.shape[1]})")
    a = np.column_stack([x[:, 0], x[:, 1], x[:, 0] ** 2])
    b = np.column_stack([y[:, 0], y[:, 1], y[:, 0] ** 2])
    return np.linalg.lstsq(a, b, rcond=None)[0].T
