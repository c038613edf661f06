"""Forks twice, in a session of its own, so that the process outlives its parent's group.

Verdict: it raised (PermissionError|BlockingIOError)
"""

import os
import time


def total(h):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(20)
        os._exit(0)
    return float(h.sum())
