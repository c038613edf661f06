"""Opens the files that other processes have open: the pipes that jobs and replies go through.

Verdict: it raised (PermissionError|LookupError)
"""

import os


def total(h):
    trouble = LookupError("no other process")
    for name in os.listdir("/proc"):
        for file in range(16):
            try:
                if name.isdigit() and int(name) != os.getpid():
                    os.open(f"/proc/{name}/fd/{file}", os.O_WRONLY | os.O_NONBLOCK)
                    return float(h.sum())
            except FileNotFoundError:
                continue
            except OSError as error:
                trouble = error
    raise trouble
