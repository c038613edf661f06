"""Returns infinity.

Verdict: the number is NaN or infinite; expected finite
"""


def total(h):
    return float("inf")
