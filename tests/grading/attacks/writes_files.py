"""Leaves files, folders, links and pipes wherever it can.

Verdict: it raised (PermissionError|FileNotFoundError|OSError|FileExistsError)
"""

import os

from given import FOLDERS, MARKER


def write(path):
    with open(path, "xb") as file:
        file.write(bytes(1_000_000))


def total(h):
    trouble, makers = None, (write, os.mkdir, os.mkfifo, lambda path: os.symlink("x" * 1000, path))
    for folder in FOLDERS:
        for i, make in enumerate(makers):
            try:
                make(f"{folder}/{MARKER}-{i}")
                return float(h.sum())
            except OSError as error:
                trouble = error
    raise trouble
