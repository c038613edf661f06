"""Prints 1 GB to each of the standard streams before it answers wrongly.

Verdict: the number is 0; expected|ran out of time
"""

import os


def total(h):
    text = b"x" * 2**20
    for _ in range(1024):
        os.write(1, text)
        os.write(2, text)
    return 0.0
