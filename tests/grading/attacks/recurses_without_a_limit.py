"""Calls itself without end, with Python's own limit lifted.

Verdict: MemoryError|SIGSEGV|ran out of time
"""

import sys

sys.setrecursionlimit(2**31 - 1)


def total(h):
    return total(h) + 0
