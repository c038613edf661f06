"""Stops its process, so that only somebody else can let it go on.

Verdict: it ran out of time
"""

import os
import signal


def total(h):
    os.kill(os.getpid(), signal.SIGSTOP)
    return float(h.sum())
