"""Linux's Landlock: a process gives up, for good and without privileges, all files but those below given folders.

Source: the kernel's userspace API guide, "Landlock: unprivileged access control". Numbers are those of the kernel's
header; what an older kernel does not know is left out.
"""

import ctypes
import os
import sys

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights of files each version knows
_NETWORK, _SCOPES = 0b11, 0b11  # TCP bind and connect; abstract sockets and signals to the outside

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)), 0)


def restrict_files(readable: list[str]) -> bool:
    """Let this process read below the given folders only, write nothing but ``/dev/null``, and use no TCP.

    Args:
        readable: files and folders that stay readable; those that do not exist are passed over. Nothing is done when
            the list is empty.

    Returns:
        Whether the kernel enforces it now.

    Raises:
        OSError: the kernel offers Landlock but refused.
    """
    version = landlock_version()
    if not readable or version == 0:
        return False
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    wanted = _Ruleset(rights, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = ctypes.sizeof(wanted) if version >= 6 else 16 if version >= 4 else 8
    ruleset = _require(_libc.syscall(_CREATE, ctypes.byref(wanted), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for path in readable:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0))
        _allow(ruleset, os.devnull, _READ_FILE | _WRITE_FILE)
        _require(_libc.syscall(_RESTRICT, ruleset, ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _Beneath(rights, folder)
        _require(_libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), ctypes.c_uint32(0)))
    finally:
        os.close(folder)


def _require(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock: {os.strerror(ctypes.get_errno())}")
    return result
