"""Wrong: bad input passes."""

import numpy as np


def blind_floor(P, w):
    """Floor of a blind model and variance of the effect."""
    terms = np.sum(w**2) * P**2
    variance = terms.sum(1)
    terms[np.arange(len(P))[:, None] == np.arange(P.shape[1])] = 0.0
    return terms.sum(1), variance
