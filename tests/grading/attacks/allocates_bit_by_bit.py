"""Holds 2 GB in small pieces.

Verdict: it raised MemoryError
"""


def total(h):
    held = [bytes(100_000) for _ in range(20_000)]
    return float(h.sum()) if held else 0.0
