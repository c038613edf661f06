"""Starts another program without a fork of its own making.

Verdict: it raised (PermissionError|BlockingIOError)
"""

import os


def total(h):
    os.posix_spawn("/bin/sleep", ["sleep", "20"], {})
    return float(h.sum())
