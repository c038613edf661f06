"""Lowers the limits of the processes above it.

Verdict: it raised PermissionError
"""

import os
import resource


def total(h):
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (64, 64))
    return float(h.sum())
