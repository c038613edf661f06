"""Raises what few handlers expect.

Verdict: it raised GeneratorExit
"""


def total(h):
    raise GeneratorExit
