"""Changes one number, through the memory below the array.

Verdict: it changed its inputs
"""

import ctypes


def total(h):
    right = float(h.sum())
    ctypes.memset(h.reshape(-1)[1:].ctypes.data, 0, 1)
    return right
