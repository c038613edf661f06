"""Returns the right value as a complex number.

Verdict: dtype is complex128; expected float64
"""


def total(h):
    return complex(h.sum())
