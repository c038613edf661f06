"""The grader's side of a server for answers: start it, send a job, read what came of it, and believe none of it."""

import contextlib
import os
import select
import signal
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from corelib.grading.child.values import NotPlainError, decode, encode
from corelib.grading.isolation import Isolation
from corelib.grading.judge import Exam, Outcome

_GRACE = 20.0  # seconds beyond an answer's own limit before the server itself is given up
_START = 120.0  # seconds for a server to come up: it imports torch, on a busy machine
_MOST_REPLY = 80 << 20
_MESSAGE = 500


class WorkerError(RuntimeError):
    """A server for answers could not be started, or cannot confine them."""


@dataclass(frozen=True)
class Reply:
    """What came of an answer's calls.

    Attributes:
        outcomes: one for each call that was made.
        stopped: why there are no more, or why there are none; an empty string when all went through.
        seconds: wall time of the answer.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    stopped: str = ""
    seconds: float = 0.0


class Worker:
    """One server, started again whenever it has died. Use it as a context manager.

    Args:
        isolation: how answers are kept apart.
        preload: modules that the server imports first.
    """

    def __init__(self, isolation: Isolation, preload: tuple[str, ...] = ()):
        self.isolation, self.preload = isolation, preload
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server.

        Raises:
            WorkerError: it does not come up; the message holds what it wrote.
        """
        with tempfile.TemporaryFile() as errors:
            self._process = subprocess.Popen(
                self.isolation.command(self.preload),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.isolation.environment(),
                start_new_session=True,  # Ctrl-C is for the grader, which then ends the server
                bufsize=0,
            )
            try:
                self._read(time.monotonic() + _START)
            except (OSError, EOFError) as error:
                errors.seek(0)
                written = errors.read()[-2000:].decode(errors="replace").strip()
                self.close()
                raise WorkerError(f"the server for answers did not start ({error}): {written}") from error

    def close(self) -> None:
        """End the server and everything below it."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        try:
            process.wait(timeout=2)  # the end of its input ends it, and it takes its child along
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, cells: list[tuple[str, str]], exam: Exam) -> Reply:
        """Run an answer against an exam's cases.

        Args:
            cells: pairs of name and source, in the order they run in.
            exam: the question with its cases.

        Returns:
            A :class:`Reply`. Whatever the answer does, this returns; a server that the answer took down is started
            again for the next one.

        Raises:
            WorkerError: a server cannot be started, or cannot confine an answer.
        """
        if self._process is None or self._process.poll() is not None:
            self.close()
            self.start()
        limits = exam.question.limits
        try:
            self._write(_job(cells, exam, self.isolation.readable))
            sent, head = self._read_reply(time.monotonic() + limits.seconds + _GRACE)
        except TimeoutError:
            self.close()
            return Reply(stopped="its server no longer answered and was ended", seconds=limits.seconds)
        except (OSError, EOFError):
            self.close()
            return Reply(stopped="it took down its server")
        if "refused" in head:
            self.close()
            raise WorkerError(f"answers cannot be confined here: {clean(head['refused'])}")
        return _reply(sent, head, len(exam.cases))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view) :]

    def _read_reply(self, deadline: float) -> tuple[bytes, dict]:
        """What an answer's process sent, and the server's own words about it."""
        parts, size = [], 0
        while length := struct.unpack(">I", self._read_exactly(4, deadline))[0]:
            size += length
            if size > _MOST_REPLY:
                raise EOFError("a reply of impossible length")
            parts.append(self._read_exactly(length, deadline))
        return b"".join(parts), decode(self._read(deadline))

    def _read(self, deadline: float) -> bytes:
        (length,) = struct.unpack(">Q", self._read_exactly(8, deadline))
        if length > _MOST_REPLY:
            raise EOFError("a reply of impossible length")
        return self._read_exactly(length, deadline)

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        parts = []
        file = self._process.stdout.fileno()
        while size:
            if not select.select([file], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("no answer in time")
            part = os.read(file, min(size, 1 << 20))
            if not part:
                raise EOFError("it ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def clean(text: object, limit: int = _MESSAGE) -> str:
    """Text from an answer made safe to print and to write: no control characters, no half surrogates, bounded."""
    text = str(text)[:limit].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else " " for character in text)


def _job(cells: list[tuple[str, str]], exam: Exam, readable: list[str]) -> bytes:
    """Two frames: the limits for the server, and what only the answer's own process may see."""
    limits = exam.question.limits
    arguments = [encode(case.args) for case in exam.cases]
    head = encode(
        {
            "cells": [tuple(cell) for cell in cells],
            "entry": exam.question.entry,
            "cases": [(len(data), case.peak_mb is not None) for data, case in zip(arguments, exam.cases, strict=True)],
        }
    )
    confined = encode({"seconds": limits.seconds, "memory_mb": limits.memory_mb, "readable": readable})
    return _framed(confined) + _framed(_framed(head) + b"".join(arguments))


def _framed(data: bytes) -> bytes:
    return struct.pack(">Q", len(data)) + data


def _reply(sent: bytes, head: dict, n_cases: int) -> Reply:
    """Read the frames of a reply: one for the loading and one a case, unless the answer's process forged them."""
    try:
        frames = _frames(memoryview(sent), n_cases + 1)
        trouble = clean(frames[0]["error"]) if frames else ""
        outcomes = [_outcome(frame) for frame in frames[1:]]
    except Exception:  # whatever was forged, the other answers are to be graded
        return Reply(stopped=clean(head["stopped"]) or "what it sent back is no answer", seconds=head["seconds"])
    return Reply(outcomes, clean(head["stopped"]) or trouble, head["seconds"])


def _frames(rest: memoryview, most: int) -> list[Any]:
    frames = []
    while rest:
        if len(frames) == most:
            raise NotPlainError(f"more than {most} frames")
        (length,) = struct.unpack_from(">Q", rest)
        if length > len(rest) - 8:
            break  # cut off in the middle by a limit
        frames.append(decode(bytes(rest[8 : 8 + length])))
        rest = rest[8 + length :]
    return frames


def _outcome(frame: dict) -> Outcome:
    peak = frame["peak_mb"]
    return Outcome(
        value=frame["value"],
        error=clean(frame["error"], 80),
        message=clean(frame["message"]),
        where=clean(frame["where"], 200),
        mutated=frame["mutated"] is not False,
        peak_mb=float(peak) if isinstance(peak, int | float) else None,
    )
