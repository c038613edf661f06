"""Leaves a POSIX segment behind.

Verdict: it raised (PermissionError|FileNotFoundError|OSError)
"""

from multiprocessing import shared_memory

from given import MARKER


def total(h):
    shared_memory.SharedMemory(MARKER, create=True, size=1_000_000)
    return float(h.sum())
