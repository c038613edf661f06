"""Calls itself without end.

Verdict: it raised RecursionError
"""


def total(h):
    return total(h)
