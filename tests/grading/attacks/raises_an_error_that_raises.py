"""Raises an error whose text raises another.

Verdict: it raised Silent
"""


class Silent(Exception):
    def __str__(self):
        raise SystemExit(0)


def total(h):
    raise Silent
