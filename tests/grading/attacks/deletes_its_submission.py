"""Takes away the evidence.

Verdict: it raised (PermissionError|FileNotFoundError|OSError)
"""

import os

from given import OWN


def total(h):
    os.remove(OWN)
    return float(h.sum())
