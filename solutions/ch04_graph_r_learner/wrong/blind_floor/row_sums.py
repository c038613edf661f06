"""Wrong: rows are summed before squaring."""

import numpy as np


def blind_floor(P, w):
    """Floor of a blind model and variance of the effect."""
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"P has shape {P.shape}; expected (n, n)")
    if w.ndim != 1:
        raise ValueError(f"w has shape {w.shape}; expected (d,)")
    others = P - np.diag(np.diag(P))
    variance = (w @ w) * P.sum(1) ** 2
    return (w @ w) * others.sum(1) ** 2, variance
