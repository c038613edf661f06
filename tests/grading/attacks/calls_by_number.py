"""Makes refused system calls by number, also by those of the kernel's second table.

Verdict: it raised PermissionError
"""

import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
SOCKET, IO_URING, X32 = {"x86_64": 41, "aarch64": 198}[platform.machine()], 425, 0x40000000


def total(h):
    for number in (SOCKET, SOCKET | X32, IO_URING):
        if libc.syscall(number, 2, 1, 0) >= 0:
            return float(h.sum())
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
