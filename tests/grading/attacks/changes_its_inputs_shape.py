"""Keeps every number and changes the shape.

Verdict: it changed its inputs
"""


def total(h):
    h.shape = (*h.shape, 1)
    return float(h.sum())
