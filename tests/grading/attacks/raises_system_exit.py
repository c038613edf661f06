"""Asks the process to end with success.

Verdict: it raised SystemExit
"""


def total(h):
    raise SystemExit(0)
