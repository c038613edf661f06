"""Ends itself by the signal that nobody can catch.

Verdict: it was ended by SIGKILL
"""

import os
import signal


def total(h):
    os.kill(os.getpid(), signal.SIGKILL)
    return float(h.sum())
