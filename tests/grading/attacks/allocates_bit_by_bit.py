"""Holds 2 GB in small pieces.

Verdict: it raised MemoryError
"""


def total(h):
    held = [bytes(1_000_000) for _ in range(2_000)]
    return float(h.sum()) if held else 0.0
