"""Connects to a socket in the kernel's own name space.

Verdict: it raised PermissionError
"""

import socket

from given import ABSTRACT


def total(h):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("\0" + ABSTRACT)
    return float(h.sum())
