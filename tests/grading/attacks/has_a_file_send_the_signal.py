"""Lets the kernel send the signal, when a pipe becomes readable.

Verdict: it raised PermissionError
"""

import fcntl
import os
import signal


def total(h):
    read, write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETOWN, os.getppid())
    fcntl.fcntl(read, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC)
    os.write(write, b"x")
    return float(h.sum())
