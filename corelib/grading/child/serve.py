"""The server that forks a fresh child for each answer, with numpy (and torch, if asked) loaded once for all of them.

It takes jobs from its standard input and writes replies to its standard output, one at a time, and ends with its input:
a grader that is killed takes its servers, and these their children, with it.

A child starts as a copy of this process and can read all of its memory. So no learner's code and no value ever gets
into it: each child reads its own job, and what children send is passed on through one buffer that is wiped.
"""

import importlib
import os
import select
import signal
import struct
import sys
import time

from .limits import confine, guard_parent, kill_orphans, user_of
from .run import forbid_course, run_answer
from .values import decode, encode

# Where answers run as a user who cannot read the installation, they still have these.
_COMMON = (
    *("collections", "copy", "dataclasses", "enum", "fractions", "functools", "heapq", "itertools", "math", "operator"),
    *("random", "statistics", "string", "typing", "numpy", "numpy.fft", "numpy.linalg", "numpy.polynomial"),
    "numpy.random",
)
_MOST_OUTPUT = 64 << 20  # bytes of values that one answer may send back
_STARTED = b"\x01"  # a child's first byte: it is confined, and its time runs
_NOBODY = "nobody waits"
_buffer = memoryview(bytearray(1 << 16))


def serve(place: str, preload: list[str]) -> None:
    """Answer jobs until the input ends.

    Args:
        place: "sandbox" or "process".
        preload: modules to import before the first job.
    """
    # First in its process namespace, so that all others are answers, and none of them can end it.
    alone = place == "sandbox" and os.getpid() == 1
    # Away from 0 and 1, which a child points at nothing.
    jobs, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    for module in (*_COMMON, *preload):
        importlib.import_module(module)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    forbid_course()
    guard_parent()
    _write(replies, encode({"ready": True}))
    number = 0
    while (limits := _read(jobs)) is not None:
        number += 1
        _answer(decode(limits), jobs, replies, number, alone)


def _answer(limits: dict, jobs: int, replies: int, number: int, alone: bool) -> None:
    """Fork a child for one job and pass on what it sends until it ends, or its time or the output is up."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(limits, jobs, theirs, number)
    os.close(theirs)
    if os.read(ours, 1) != _STARTED:  # the job may still be in the pipe: this server is of no more use
        refused = os.read(ours, 1000).decode(errors="replace") or "the process ended at once"
        _end_reply(replies, {"refused": refused})
        os._exit(1)
    began = time.monotonic()
    stopped = _pass_on(ours, jobs, replies, began + limits["seconds"])
    os.close(ours)
    _kill_group(child)
    status = os.waitpid(child, 0)[1]
    kill_orphans(user_of(number), alone)
    if stopped == _NOBODY:
        os._exit(0)
    if not stopped and os.WIFSIGNALED(status):
        stopped = f"it was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    _end_reply(replies, {"stopped": stopped, "seconds": time.monotonic() - began})


def _be_child(limits: dict, jobs: int, out: int, number: int) -> None:
    """What the child does; it never returns."""
    try:
        try:
            job = _decode_job(_read(jobs))
            confine(limits, out, number)
        except BaseException as error:
            os.write(out, f"\0{type(error).__name__}: {error}".encode(errors="replace")[:1000])
            raise
        os.write(out, _STARTED)
        run_answer(job, out)
    finally:
        os._exit(0)


def _pass_on(pipe: int, jobs: int, replies: int, deadline: float) -> str:
    """Pass on what a child sends, in pieces with their lengths in front; why it was stopped, if it was."""
    size, poll = 0, select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    poll.register(jobs, select.POLLHUP)
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = dict(poll.poll(left * 1000))
            if jobs in ready:
                return _NOBODY
            if pipe in ready:
                length = os.readv(pipe, [_buffer])
                if length == 0:
                    return ""
                size += length
                if size > _MOST_OUTPUT:
                    return "it sent back too much"
                _write_all(replies, struct.pack(">I", length))
                _write_all(replies, _buffer[:length])
        return "it ran out of time"
    except BrokenPipeError:
        return _NOBODY
    finally:
        _buffer[:] = bytes(len(_buffer))


def _end_reply(replies: int, head: dict) -> None:
    """What the server itself has to say, behind an empty piece."""
    _write_all(replies, struct.pack(">I", 0))
    _write(replies, encode(head))


def _decode_job(data: bytes) -> dict:
    """A job's cells and entry; the arguments of each case follow them as they are, to be decoded for each call."""
    (length,) = struct.unpack_from(">Q", data)
    job, rest = decode(data[8 : 8 + length]), data[8 + length :]
    cases = []
    for size, measure in job["cases"]:
        cases.append((rest[:size], measure))
        rest = rest[size:]
    return {**job, "cases": cases}


def _kill_group(child: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _read(file: int) -> bytes | None:
    """One frame: eight bytes of length, then as many bytes; None at the end."""
    head = _read_exactly(file, 8)
    return None if head is None else _read_exactly(file, struct.unpack(">Q", head)[0])


def _read_exactly(file: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(file, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(file: int, data: bytes) -> None:
    _write_all(file, struct.pack(">Q", len(data)) + data)


def _write_all(file: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
