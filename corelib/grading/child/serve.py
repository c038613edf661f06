"""The server that forks a fresh child for each answer, with numpy (and torch, if asked) loaded once for all of them.

It reads jobs from its standard input and writes replies to its standard output, one at a time, and ends with its input:
a grader that is killed takes its servers, and these their children, with it.
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


def serve(place: str, preload: list[str]) -> None:
    """Answer jobs until the input ends.

    Args:
        place: "sandbox" or "process".
        preload: modules to import before the first job.
    """
    # Second in its process namespace, behind bubblewrap's own reaper: then, and only then, all others are answers.
    alone = place == "sandbox" and os.getpid() == 2
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
    while (data := _read(jobs)) is not None:
        number += 1
        _write(replies, _answer(data, jobs, number, alone))


def _answer(data: bytes, jobs: int, number: int, alone: bool) -> bytes:
    """Fork a child for one job and collect what it sends until it ends, or its time or the output is up."""
    job = _decode_job(data)
    ours, theirs = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_child(job, theirs, number)
    os.close(theirs)
    sent, stopped = _collect(ours, jobs, began + job["limits"]["seconds"])
    os.close(ours)
    _kill_group(child)
    status = os.waitpid(child, 0)[1]
    kill_orphans(user_of(number), alone)
    if stopped == "nobody waits":
        os._exit(0)
    if not stopped and os.WIFSIGNALED(status):
        stopped = f"it was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    head = encode({"stopped": stopped, "seconds": time.monotonic() - began})
    return struct.pack(">Q", len(head)) + head + sent


def _be_child(job: dict, out: int, number: int) -> None:
    """What the child does; it never returns."""
    try:
        confine(job["limits"], out, number)
        run_answer(job, out)
    finally:
        os._exit(0)


def _collect(pipe: int, jobs: int, deadline: float) -> tuple[bytes, str]:
    parts, size = [], 0
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    poll.register(jobs, select.POLLHUP)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return b"".join(parts), "it ran out of time"
        ready = dict(poll.poll(left * 1000))
        if jobs in ready:
            return b"", "nobody waits"
        if pipe in ready:
            part = os.read(pipe, 1 << 16)
            if not part:
                return b"".join(parts), ""
            parts.append(part)
            size += len(part)
            if size > _MOST_OUTPUT:
                return b"", "it sent back too much"


def _decode_job(data: bytes) -> dict:
    """A job's header; the arguments of each case follow it as they are, to be decoded by the child alone."""
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
    view = memoryview(struct.pack(">Q", len(data)) + data)
    while view:
        view = view[os.write(file, view) :]
