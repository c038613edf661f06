"""Sums in place.

Verdict: it changed its inputs
"""


def total(h):
    right = float(h.sum())
    h[...] = 0
    return right
