"""Turns into a program that does not know the limits.

Verdict: it (raised|was ended by|ran out of time|answered 0 of 3)
"""

import os


def total(h):
    os.execv("/bin/sleep", ["sleep", "20"])
    return float(h.sum())
