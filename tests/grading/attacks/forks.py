"""Has a second process.

Verdict: it raised (PermissionError|BlockingIOError)
"""

import os


def total(h):
    if os.fork() == 0:
        os._exit(0)
    return float(h.sum())
