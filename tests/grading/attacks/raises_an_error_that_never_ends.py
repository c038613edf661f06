"""Raises an error whose text is never ready.

Verdict: it ran out of time
"""


class Endless(Exception):
    def __str__(self):
        while True:
            pass


def total(h):
    raise Endless
