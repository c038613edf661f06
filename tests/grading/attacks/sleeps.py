"""Waits without using the processor.

Verdict: it ran out of time
"""

import time


def total(h):
    time.sleep(3600)
    return float(h.sum())
