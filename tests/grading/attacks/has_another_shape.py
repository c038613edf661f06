"""Returns the right value with an axis, to be broadcast.

Verdict: shape is \\(1,\\); expected \\(\\)
"""


def total(h):
    return h.sum(keepdims=True).reshape(1)
