"""Asks for 75 GiB in one array.

Verdict: it raised .*MemoryError
"""

import numpy as np


def total(h):
    np.ones(75 * 2**27)
    return float(h.sum())
