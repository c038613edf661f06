"""Wrong: the node itself is missing in the variance."""

import numpy as np


def blind_floor(P, w):
    """Floor of a blind model and variance of the effect."""
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"P has shape {P.shape}; expected (n, n)")
    if w.ndim != 1:
        raise ValueError(f"w has shape {w.shape}; expected (d,)")
    terms = (w @ w) * P**2
    np.fill_diagonal(terms, 0.0)
    return terms.sum(1), terms.sum(1)
