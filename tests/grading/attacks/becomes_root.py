"""Becomes root again.

Verdict: it raised (PermissionError|OSError)
"""

import os


def total(h):
    os.setuid(0)
    return float(h.sum())
