"""Connects to a socket that has a name in the file system, as those of a desktop's services have.

Verdict: it raised PermissionError
"""

import socket

from given import SOCKET


def total(h):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(SOCKET)
    return float(h.sum())
