"""Recurses in C, where there is no exception to catch.

Verdict: SIGSEGV|RecursionError|MemoryError
"""

import sys

sys.setrecursionlimit(2**31 - 1)


class Deep(list):
    def __repr__(self):
        return repr([self])


def total(h):
    return len(repr(Deep()))
