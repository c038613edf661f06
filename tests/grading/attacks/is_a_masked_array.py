"""Returns an array in which everything wrong is masked.

Verdict: a MaskedArray, a subclass of numpy.ndarray
"""

import numpy as np


def total(h):
    return np.ma.masked_all(())
