"""Returns an integer that no float can hold.

Verdict: dtype is object; expected float64
"""


def total(h):
    return 10**1000
