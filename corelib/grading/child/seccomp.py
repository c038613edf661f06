"""Linux's seccomp: a process gives up, for good and without privileges, whole system calls; each then says EPERM.

What goes is what numpy and torch never need and what reaches beyond a process: new processes, sockets of every kind,
shared memory that the limit on memory does not count, and every call that touches another process of the same user:
signals, tracing, its limits, its priority. Source: the kernel's userspace API guide, "Seccomp BPF (SECure COMPuting
with filters)"; numbers are those of the kernel's headers, for x86-64 and 64-bit ARM.
"""

import ctypes
import os
import struct
import sys

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of classic BPF
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # where they stand in the data that a filter sees
_ALLOW, _ERROR, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050000, 1, 38
_X32 = 0x40000000  # a second table of calls on x86-64
_CLONE_THREAD = 0x00010000
_OWNERS, _IOCTL_OWNERS = (8, 10, 15), (0x8901, 0x8902)  # whom a file's signals go to: F_SETOWN, F_SETSIG, ...

_REFUSED = {
    "x86_64": (
        *(41, 57, 58),  # socket, fork, vfork
        *(29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240),  # System V memory, semaphores and queues; mq_open
        *(101, 310, 311, 312, 256, 279),  # ptrace, process_vm_readv and _writev, kcmp, migrate_pages, move_pages
        *(129, 200, 297),  # rt_sigqueueinfo, tkill, rt_tgsigqueueinfo
        *(141, 142, 144, 251, 314),  # setpriority, sched_setparam, sched_setscheduler, ioprio_set, sched_setattr
        *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
        *(248, 249, 250, 298, 321, 323),  # add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd
    ),
    "aarch64": (
        *(198,),  # which has neither fork nor vfork
        *(194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180),
        *(117, 270, 271, 272, 238, 239),
        *(138, 130, 240),
        *(140, 118, 119, 30, 274),
        *(41, 51, 40, 39, 97, 268),
        *(217, 218, 219, 241, 280, 282),
    ),
}
# pidfd_send_signal, io_uring, open_tree to fspick; pidfd_open, pidfd_getfd, process_madvise, mount_setattr,
# process_mrelease: newer calls have one number everywhere.
_REFUSED_ANYWHERE = (*range(424, 434), 434, 438, 440, 442, 448)
_CLONE3 = 435  # its flags lie in memory, where no filter looks; the C library then takes clone
_TABLES = {  # AUDIT_ARCH_...; clone, fcntl, ioctl; kill, tgkill; prlimit64, sched_setaffinity
    "x86_64": (0xC000003E, 56, 72, 16, (62, 234), (302, 203)),
    "aarch64": (0xC00000B7, 220, 25, 29, (129, 131), (261, 122)),
}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def seccomp_works() -> bool:
    """Whether there is a filter for this machine and the kernel takes filters."""
    known = sys.platform == "linux" and os.uname().machine in _TABLES and ctypes.sizeof(ctypes.c_void_p) == 8
    return known and os.path.exists("/proc/sys/kernel/seccomp/actions_avail")


def restrict_calls() -> bool:
    """Refuse this process, from now on, calls that reach beyond it; ``no_new_privs`` must have been set.

    Returns:
        Whether the kernel enforces it now.

    Raises:
        OSError: the kernel takes filters but refused this one.
    """
    if not seccomp_works():
        return False
    instructions = _filter(os.uname().machine, os.getpid())
    program = _Program(len(instructions) // 8, instructions)
    if _libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
    return True


def _filter(machine: str, me: int) -> bytes:
    """The program: the first rule that fits answers, and a call that none fits is allowed."""
    architecture, clone, fcntl, ioctl, on_process, on_process_or_0 = _TABLES[machine]
    refuse, allow = [_step(_RETURN, _ERROR | _EPERM)], [_step(_RETURN, _ALLOW)]
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, 1, 0), *refuse]
    steps += [_step(_LOAD, _NUMBER), *_if(_AT_LEAST, _X32, refuse)]
    for number in (*_REFUSED[machine], *_REFUSED_ANYWHERE):
        steps += _if(_EQUAL, number, refuse)
    steps += _if(_EQUAL, _CLONE3, [_step(_RETURN, _ERROR | _ENOSYS)])
    steps += _if(_EQUAL, clone, [_argument(0), *_if(_ANY_BIT, _CLONE_THREAD, allow), *refuse])
    for call, values in ((fcntl, _OWNERS), (ioctl, _IOCTL_OWNERS)):
        steps += _if(_EQUAL, call, [_argument(1), *_each(values, refuse), *allow])
    for calls, targets in ((on_process, (me,)), (on_process_or_0, (me, 0))):
        for call in calls:
            steps += _if(_EQUAL, call, [_argument(0), *_each(targets, allow), *refuse])
    return b"".join([*steps, *allow])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _argument(i: int) -> bytes:
    """Load the lower half of an argument; processes, flags and commands are no longer than that."""
    return _step(_LOAD, _ARGUMENTS + 8 * i)


def _if(test: int, value: int, then: list[bytes]) -> list[bytes]:
    """Take the steps when the test holds of the loaded word; they end in a return, since they may load another."""
    return [_step(test, value, 0, len(then)), *then]


def _each(values: tuple[int, ...], then: list[bytes]) -> list[bytes]:
    return [step for value in values for step in _if(_EQUAL, value, then)]
