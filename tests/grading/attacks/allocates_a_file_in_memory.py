"""Holds data in a file that has no name and lies in no folder.

Verdict: it raised OSError.*File too large
"""

import os


def total(h):
    file = os.memfd_create("hidden")
    os.write(file, bytes(1_000_000))
    return float(h.sum())
