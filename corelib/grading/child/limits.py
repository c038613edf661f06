"""What a child gives up before a learner's code runs: files, processes, memory, privileges. Linux and other POSIX.

Calls that Python 3.11 does not offer (``unshare``, ``prctl``, ``capset``) go through the C library.
"""

import ctypes
import os
import resource
import signal
import sys
import time

from .landlock import restrict_files
from .seccomp import restrict_calls

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER, _PR_CAP_AMBIENT = 4, 38, 36, 47
_PR_CAP_AMBIENT_CLEAR_ALL, _CLONE_NEWIPC, _CAPABILITY_VERSION = 4, 0x08000000, 0x20080522
_FIRST_UID, _UIDS, _NOBODY = 1_900_000_000, 100_000_000, 65534
_OPEN_FILES, _STACK = 64, 8 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def guard_parent() -> None:
    """Make this process one that its children cannot look into, and the one that inherits their orphans."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def confine(limits: dict, out: int, number: int) -> None:
    """Give up everything a learner's code does not need. Called once, in the child, before the code is compiled.

    Args:
        limits: ``seconds``, ``memory_mb``, and ``readable``, the folders that may be read (all, when it is empty).
        out: the one file descriptor to keep.
        number: number of the job; with the parent's id it makes a user id that no other job has.
    """
    os.setsid()
    _close_files(out)
    os.chdir("/")
    os.umask(0o077)
    if sys.platform == "linux":
        _libc.unshare(_CLONE_NEWIPC)  # no shared memory outlives the answer; refused without privileges, which is fine
    # As another user before the limit on processes: the system never limits root's.
    _change_user(_FIRST_UID + (os.getppid() * 1009 + number) % _UIDS)
    _limit_resources(limits)
    if sys.platform == "linux":
        _drop_capabilities()
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        restrict_files(limits["readable"])
        restrict_calls()


def kill_orphans(user: int | None, alone: bool) -> None:
    """End every process that an answer has left behind.

    Args:
        user: the answer's own user id, when it had one: then all processes of that user.
        alone: whether this process is in a process namespace with nobody but its answers: then all others there.

    Processes that this one has inherited as their reaper are ended in any case.
    """
    if alone:
        _kill_quietly(-1, signal.SIGKILL)
    elif user is not None:
        _kill_all_of(user)
    for _ in range(1000):  # a fork bomb is limited in number, so this ends
        children = _children()
        for child in children:
            _kill_quietly(child, signal.SIGSTOP)  # first, so that none forks while the others are ended
        for child in children:
            _kill_quietly(child, signal.SIGKILL)
        _reap()
        if not children:
            return


def user_of(number: int) -> int | None:
    """The user id that :func:`confine` gives to a job of this process; None when it cannot change users."""
    return _FIRST_UID + (os.getpid() * 1009 + number) % _UIDS if os.geteuid() == 0 else None


def _close_files(out: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, out)
    os.closerange(out + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _change_user(user: int) -> None:
    if os.geteuid() != 0:
        return
    for candidate in (user, _NOBODY):  # containers may know only the first 65536 users
        try:
            os.setgroups([])
            os.setresgid(candidate, candidate, candidate)
            os.setresuid(candidate, candidate, candidate)
            return
        except OSError:
            continue
    raise PermissionError("could not become another user than root")


def _limit_resources(limits: dict) -> None:
    held = _address_space()
    cpu = int(limits["seconds"]) + 1
    wanted = {
        resource.RLIMIT_AS: held + (int(limits["memory_mb"]) << 20),
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: _own_tasks(),
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: _STACK,
        getattr(resource, "RLIMIT_MSGQUEUE", resource.RLIMIT_CORE): 0,
        getattr(resource, "RLIMIT_MEMLOCK", resource.RLIMIT_CORE): 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):
            if sys.platform == "linux":  # elsewhere some limits do not exist
                raise


def _address_space() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 30  # no /proc: allow what a process with numpy holds


def _own_tasks() -> int:
    """Processes and threads of this user as things stand: a limit of as many lets nobody start another one."""
    me, tasks = os.getuid(), 0
    try:
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    if os.stat(f"/proc/{name}").st_uid == me or name == str(os.getpid()):
                        tasks += len(os.listdir(f"/proc/{name}/task"))
                except OSError:
                    continue
    except OSError:
        return 1
    return max(tasks, 1)


def _drop_capabilities() -> None:
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def _kill_all_of(user: int) -> None:
    """Every process of a user at once, by a child that is that user alone: the kernel leaves no gap to fork through.

    The child must not keep any of root's ids: with a real id of 0 the signal would go to all of root's processes.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(user, user, user)
            if user > 0 and os.getresuid() == (user, user, user):
                os.kill(-1, signal.SIGKILL)
        except OSError:  # nobody is left; or a container that knows no such user, where the answer ran as nobody
            pass
        finally:
            os._exit(0)
    for _ in range(100):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.001)
    _kill_quietly(child, signal.SIGKILL)  # somebody of that user stopped it; the orphans are ended one by one instead
    os.waitpid(child, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _kill_quietly(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return
