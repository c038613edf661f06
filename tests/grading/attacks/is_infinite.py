"""Returns infinity.

Verdict: are NaN or infinite; expected finite
"""


def total(h):
    return float("inf")
