"""Returns a list that holds itself.

Verdict: nested deeper than
"""


def total(h):
    held = [float(h.sum())]
    held.append(held)
    return held
