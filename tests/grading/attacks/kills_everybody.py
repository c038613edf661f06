"""Ends every process that it may end.

Verdict: it raised (PermissionError|ProcessLookupError)
"""

import os
import signal


def total(h):
    # Only where nobody else can be meant: as a user of its own, or in a process namespace of its own.
    if os.getuid() < 1_900_000_000 and not os.path.isdir("/grading/child"):
        raise PermissionError("not tried here")
    os.kill(-1, signal.SIGKILL)
    return float(h.sum())
