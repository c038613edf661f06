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
    others = [f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    paths = [root + path for root in ("", *(f"{other}/root" for other in others)) for path in PATHS]
    paths += [f"{other}/{what}" for other in others for what in ("environ", "mem", "maps", "fd/0", "fd/1", "cwd")]
    for path in paths:
        try:
            if found := look(path):
                return repr(found)
        except OSError as error:
            trouble = error
    raise trouble
