"""Reads memory that is not there.

Verdict: it was ended by SIGSEGV
"""

import ctypes


def total(h):
    ctypes.string_at(0)
    return float(h.sum())
