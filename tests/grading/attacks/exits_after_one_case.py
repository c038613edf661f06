"""Ends its process after one right answer, hoping that no answer is no wrong answer.

Verdict: it answered 1 of 3 cases
"""

import os

seen = []


def total(h):
    seen.append(h)
    if len(seen) > 1:
        os._exit(0)
    return float(h.sum())
