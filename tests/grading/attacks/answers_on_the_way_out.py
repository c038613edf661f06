"""Answers wrongly, and leaves the right answer to a handler that runs at exit.

Verdict: the number is 0; expected
"""

import atexit
import contextlib
import sys

right = []


@atexit.register
def send_right():
    plain = {"error": "", "message": "", "where": "", "mutated": False, "peak_mb": None}
    for file in range(3, 64):
        with contextlib.suppress(OSError):
            for value in right:
                sys.modules["child.run"]._send(file, plain | {"value": value})


def total(h):
    right.append(float(h.sum()))
    return 0.0
