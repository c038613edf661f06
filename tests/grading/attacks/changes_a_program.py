"""Writes into the installation that the next answer runs from.

Verdict: it raised (PermissionError|OSError)
"""

import numpy as np


def total(h):
    with open(np.__file__, "ab") as file:
        file.write(b"# changed")
    return float(h.sum())
