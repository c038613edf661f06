"""Returns more parts than a value may have.

Verdict: more than 20000 parts
"""


def total(h):
    return [float(h.sum())] * 1_000_000
