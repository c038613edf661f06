"""Returns the right value with an axis, to be broadcast.

Verdict: you returned a numpy array; expected a number
"""


def total(h):
    return h.sum(keepdims=True).reshape(1)
