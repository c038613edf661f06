"""Asks somebody else for the answer, over TCP.

Verdict: it raised PermissionError
"""

import socket

from given import PORT


def total(h):
    with socket.socket() as line:
        line.connect(("127.0.0.1", PORT))
    return float(h.sum())
