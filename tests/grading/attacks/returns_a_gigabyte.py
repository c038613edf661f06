"""Returns more than it may hold.

Verdict: it raised .*MemoryError
"""

import numpy as np


def total(h):
    return np.zeros(2**27)
