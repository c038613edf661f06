"""Asks for 75 GiB in one block.

Verdict: it raised MemoryError
"""


def total(h):
    bytearray(75 * 2**30)
    return float(h.sum())
