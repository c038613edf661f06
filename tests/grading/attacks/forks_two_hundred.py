"""Has two hundred processes that stay.

Verdict: it raised (PermissionError|BlockingIOError)
"""

import os
import time


def total(h):
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return float(h.sum())
