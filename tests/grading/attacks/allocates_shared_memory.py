"""Holds 2 GB in System V segments, which the limit on address space does not count once they are let go.

Verdict: it raised PermissionError
"""

import ctypes
import os

from given import KEY

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


def total(h):
    for i in range(20):
        segment = libc.shmget(KEY + i, 100_000_000, 0o1600)
        if segment < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        place = libc.shmat(segment, None, 0)
        ctypes.memset(place, 1, 100_000_000)
        libc.shmdt(ctypes.c_void_p(place))
    return float(h.sum())
