"""Wrong: bad input passes: what does not fit is cut off."""

import numpy as np


def edmd_operator(x, y, powers):
    """Least-squares operator between lifted states."""
    n = min(len(x), len(y))
    powers = powers[:, : x.shape[1]]
    a = (x[:n, None, :] ** powers).prod(-1)
    b = (y[:n, None, :] ** powers).prod(-1)
    return np.linalg.lstsq(a, b, rcond=None)[0].T
