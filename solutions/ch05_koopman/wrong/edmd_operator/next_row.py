"""Wrong: row i + 1 of x is taken for the successor of row i."""

import numpy as np


def edmd_operator(x, y, powers):
    """Least-squares operator between lifted states."""
    if y.shape != x.shape:
        raise ValueError(f"y has shape {y.shape}; expected {x.shape}")
    if powers.ndim != 2 or powers.shape[1] != x.shape[1]:
        raise ValueError(f"powers has shape {powers.shape}; expected (m, {x.shape[1]})")
    a = (x[:, None, :] ** powers).prod(-1)
    return np.linalg.lstsq(a[:-1], a[1:], rcond=None)[0].T
