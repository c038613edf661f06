"""Pretends that the instructor stopped it.

Verdict: it raised KeyboardInterrupt
"""


def total(h):
    raise KeyboardInterrupt
