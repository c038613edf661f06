"""Answers wrongly, and leaves the right answer to a handler that runs at exit.

Verdict: the number is 0; expected
"""

import atexit
import sys

right = []


def send_right():
    for value in right:
        sys.modules["child.run"]._send(3, {"value": value, "error": "", "message": "", "where": "", "mutated": False})


def total(h):
    atexit.register(send_right)
    right.append(float(h.sum()))
    return 0.0
