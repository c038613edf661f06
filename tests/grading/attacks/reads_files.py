"""Reads what is not its own: accounts, other submissions, the questions, the solutions, the grader's open files.

Verdict: it raised (PermissionError|FileNotFoundError|NotADirectoryError)
"""

import os

from given import PATHS


def look(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(100)


def total(h):
    trouble = None
    processes = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    roots = ["", *(f"/proc/{name}/root" for name in processes)]
    private = [
        f"/proc/{name}/{what}" for name in processes for what in ("environ", "mem", "maps", "fd/0", "fd/1", "cwd")
    ]
    for path in [root + path for root in roots for path in PATHS] + private:
        try:
            return repr(look(path))
        except OSError as error:
            trouble = error
    raise trouble
