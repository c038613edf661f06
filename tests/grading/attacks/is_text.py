"""Returns the right value in words.

Verdict: you returned a str; expected a number
"""


def total(h):
    return repr(float(h.sum()))
