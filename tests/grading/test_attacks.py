"""Hostile answers get no mark, leave nothing behind, and the same server grades the next answer right.

Each file in ``attacks/`` is one answer and states its verdict. Where its attack succeeds, it comes by the right value,
so that a success would be a pass. All run in both isolations, one after the other on one server.
"""

import ast
import json
import os
import re
import socket
import struct
import tempfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from corelib.grading import Case, Limits, Question
from corelib.grading.isolation import PROCESS, SANDBOX, choose_isolation
from corelib.grading.judge import draw_exam, judge
from corelib.grading.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "attacks").glob("*.py")}
MARKER = "left-behind-by-an-attack"
KEY = 0x5EED_0000
FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")
PRIVATE = (
    *("/etc/passwd", "/etc/shadow", "/etc/hostname", "/var", Path.home() / ".bashrc", ROOT / "pyproject.toml"),
    *(ROOT / ".git", ROOT / "solutions", ROOT / "corelib", ROOT / "corelib/grading/judge.py"),
    ROOT / "corelib/grading/questions/ch03/digitize.py",
)
RIGHT = "def total(h):\n    return float(h.sum())\n"
# Loaded beforehand, so that no attack fails for want of a module where answers cannot read the installation.
TOOLS = (
    *(
        "atexit",
        "ctypes",
        "fcntl",
        "gc",
        "contextlib",
        "json",
        "multiprocessing.shared_memory",
        "os",
        "platform",
        "re",
        "resource",
    ),
    *("signal", "socket", "threading", "time", "zlib", "numpy.ma"),
)
QUESTION = Question(
    name="ch03.total",
    title="A sum",
    entry="total",
    points=2,
    cases=lambda rng: [Case(f"{shape}", (rng.normal(size=shape),)) for shape in ((5,), (40,), (2, 3))],
    oracle=lambda h: float(h.sum()),
    limits=Limits(seconds=4.0, memory_mb=512),
)
EXAM = draw_exam(QUESTION, seed=5)


def processes_below(process):
    """Ids of a process and of all that descend from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def left_behind(folders):
    """Files and System V objects that only an attack can have made."""
    files = [str(path) for folder in folders for path in Path(folder).glob(f"{MARKER}*")]
    kept = [line for kind in ("shm", "sem", "msg") for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()]
    return files + [line for line in kept if line.split()[0].isdigit() and KEY <= int(line.split()[0]) < KEY + 100]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Things worth an attack: listeners, files of others, folders that anybody may write to."""
    folder = tmp_path_factory.mktemp("submissions")
    for learner in ("ada", "mallory"):
        (folder / learner).mkdir()
        (folder / learner / "ex01.py").write_text(RIGHT)
    folders = [tempfile.gettempdir(), *FOLDERS, os.getcwd(), str(Path.home()), str(ROOT)]
    for parent in (folder.parent, folder, folder / "mallory"):
        parent.chmod(0o777)  # closed by the isolation, not by the rights of a file
        folders.append(str(parent))
    private = [*PRIVATE, folder, folder / "ada", folder / "ada" / "ex01.py"]
    with (
        socket.create_server(("127.0.0.1", 0)) as line,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
        tempfile.TemporaryDirectory() as short,
    ):
        datagrams.bind(("127.0.0.1", 0))
        named.bind(f"{short}/socket")
        abstract.bind(f"\0{MARKER}-{os.getpid()}")
        os.chmod(short, 0o777)
        os.chmod(f"{short}/socket", 0o777)
        for listener in (line, named, abstract):
            listener.listen()
            listener.setblocking(False)
        datagrams.setblocking(False)
        given = {
            "ROOT": str(ROOT),
            "OWN": str(folder / "mallory" / "ex01.py"),
            "PATHS": [*map(str, private)],
            "FOLDERS": folders,
            "MARKER": MARKER,
            "KEY": KEY,
            "PORT": line.getsockname()[1],
            "DATAGRAM_PORT": datagrams.getsockname()[1],
            "FREE_PORT": _free_port(),
            "SOCKET": f"{short}/socket",
            "ABSTRACT": f"{MARKER}-{os.getpid()}",
        }
        yield SimpleNamespace(given=given, folder=folder, listeners=(line, named, abstract), datagrams=datagrams)


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as line:
        return line.getsockname()[1]


@pytest.fixture(scope="module", params=[SANDBOX, PROCESS])
def server(request, target):
    """A server for answers, and the processes that belong to it."""
    with Worker(choose_isolation((ROOT, target.folder), request.param), TOOLS) as worker:
        assert verdict_on(worker, RIGHT).points == 2
        main = worker._process.pid
        yield SimpleNamespace(worker=worker, main=main, processes=processes_below(main))


def verdict_on(worker, source, given=None):
    setup = "import sys, types\nsys.modules['given'] = types.ModuleType('given')\n"
    setup += f"vars(sys.modules['given']).update({given or {}!r})\n"
    reply = worker.run([("set-up", setup), ("answer", source)], EXAM)
    return judge(EXAM, reply.outcomes, reply.stopped)


def fails(server, target, source, words, **given):
    """The answer gets nothing, for the stated reason; nobody else is any the worse for it."""
    verdict = verdict_on(server.worker, source, target.given | given)
    said = " ".join([verdict.message, *(failure.message for failure in verdict.failures)])
    assert (verdict.status, verdict.points) == ("fail", 0), f"the attack succeeded: {said}"
    assert re.search(words, said), said
    assert said.isprintable()
    assert server.worker._process.pid == server.main, "it took down its server"
    assert processes_below(server.main) == server.processes
    assert left_behind(target.given["FOLDERS"]) == []
    again = verdict_on(server.worker, RIGHT)
    assert (again.status, again.points) == ("pass", 2), again


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - {"sends_forged_bytes"}))
def test_an_attack_gets_its_verdict_and_leaves_nothing_behind(name, server, target):
    words = re.search(r"^Verdict: (.+)", ast.get_docstring(ast.parse(ATTACKS[name])), re.M)[1]
    fails(server, target, ATTACKS[name], words)


def frame(tree, raw=b"", length=None):
    """Bytes as an answer's process sends them, of a tree that need not stand for a value."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    data = struct.pack(">I", len(text)) + text + raw
    return struct.pack(">Q", len(data) if length is None else length) + data


def found(**fields):
    """The frame of one case: all is well and the value is 0, but for the given fields."""
    plain = {"value": ["float", "0x0p+0"], "error": ["str", ""], "message": ["str", ""], "where": ["str", ""]}
    plain |= {"mutated": ["bool", False], "peak_mb": ["NoneType", None]}
    return frame(["dict", [[key, part] for key, part in (plain | fields).items()]])


LOADED = frame(["dict", [["error", ["str", ""]]]])
NO_ANSWER = "what it sent back is no answer"
FORGED = {
    "a verdict": (frame(["dict", [["status", ["str", "pass"]], ["points", ["int", 100]]]]), NO_ANSWER),
    "wrong values": (LOADED + found() * 3, "the number is 0; expected"),
    "too few cases": (LOADED + found() * 2, "it answered 2 of 3"),
    "too many cases": (LOADED + found() * 4, NO_ANSWER),
    "thousands of cases": (LOADED + found() * 20_000, NO_ANSWER),
    "an array for a frame": (frame(["array", "float64", [2]], bytes(16)), NO_ANSWER),
    "text for a frame": (frame(["str", "error"]), NO_ANSWER),
    "a shape of 8 exabytes": (LOADED + found(value=["array", "float64", [10**9, 10**9]]), NO_ANSWER),
    "an empty shape of any size": (LOADED + found(value=["array", "float64", [0, 10**12]]) * 3, "shape|numpy array"),
    "a shape of endless numbers": (LOADED + found(value=["array", "float64", [10**4000] * 900]), NO_ANSWER),
    "a shape of a million axes": (LOADED + found(value=["array", "float64", [1] * 10**6]), NO_ANSWER),
    "a length of 8 exabytes": (frame(["int", 1], length=2**63), "it answered 0 of 3"),
    "a broken length": (b"\0\0\0", NO_ANSWER),
    "lists in lists": (frame(b"[" * 100_000), NO_ANSWER),
    "a million lists": (frame(b"[" + b"[]," * 10**6 + b"[]]"), NO_ANSWER),
    "a number of a million digits": (frame(b'["int", ' + b"1" * 10**6 + b"]"), NO_ANSWER),
    "a float beyond all floats": (LOADED + found(value=["float", "0x1p99999"]), NO_ANSWER),
    "an integer beyond all floats": (LOADED + found(value=["int", 10**1000]) * 3, "dtype is object"),
    "NaN in JSON": (LOADED + found(value=["float", float("nan")]), NO_ANSWER),
    "a key that is a list": (LOADED + found(value=["dict", [[["a"], ["int", 1]]]]), NO_ANSWER),
    "a key that is a float": (LOADED + found(value=["dict", [[1.5, ["int", 1]]]]) * 3, "keys are not all text"),
    "a pickle": (LOADED + frame(b"\x80\x04cos\nsystem\n(S'touch /tmp/left'\ntR."), NO_ANSWER),
    "bytes behind the value": (LOADED + frame(["int", 1], b"more"), NO_ANSWER),
    "an object": (LOADED + found(value=["object", "os.system"]), NO_ANSWER),
    "memory beyond all floats": (LOADED + found(peak_mb=["int", 10**1000]) * 3, NO_ANSWER),
    "an unknown tensor": (LOADED + found(value=["tensor", "float32", [0], "x" * 10**5]) * 3, "torch tensor"),
    "half a surrogate": (frame(["dict", [["error", ["str", "\ud800\x1b[2J\r\n"]]]]), r"^\?  ?\[2J"),
    "a name of two thousand letters": (LOADED + found(error=["str", "x" * 2000]) * 3, r"it raised x{80} ?\b"),
    "lies about everything": (
        LOADED + found(error=["list", []], mutated=["int", 0], message=["dict", []]) * 3,
        r"it raised \[\]|changed its inputs",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_bytes_that_no_answer_sends_are_worth_nothing(name, server, target):
    sent, words = FORGED[name]
    fails(server, target, ATTACKS["sends_forged_bytes"], words, FRAMES=zlib.compress(sent))


BROKEN = {
    "a syntax error": ("x = (", "SyntaxError in answer, line 1"),
    "a NUL byte": ("def total(h):\n    return '\0'", "(SyntaxError|ValueError).*null bytes"),
    "half a surrogate": ("def total(h):\n    return '\ud800'", "UnicodeEncodeError"),
    "brackets in brackets": ("x = " + "(" * 60_000, "SyntaxError in answer"),
    "operators in a row": ("x = " + "-" * 60_000 + "1", "MemoryError|RecursionError|SIGSEGV"),
    "another encoding": ("# coding: rot13\nqrs gbgny(u): erghea 0", "SyntaxError|defines no function"),
    "no function": ("total = 3", "defines no function total"),
    "nothing": ("", "defines no function total"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_cannot_be_loaded_gets_a_reason(name, server, target):
    fails(server, target, *BROKEN[name])


def test_nobody_came_to_the_listeners_and_no_port_is_taken(server, target):
    for name in ("connects", "listens", "sends_datagrams", "talks_to_a_daemon", "talks_to_a_hidden_daemon"):
        fails(server, target, ATTACKS[name], "PermissionError")
    for listener in target.listeners:
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pytest.raises(BlockingIOError):
        target.datagrams.recv(1)
    socket.create_server(("127.0.0.1", target.given["FREE_PORT"])).close()


def test_files_that_an_attack_went_for_are_as_they_were(server, target):
    for name in ("deletes_its_submission", "changes_a_program", "writes_files"):
        fails(server, target, ATTACKS[name], "Error")
    assert Path(target.given["OWN"]).read_text() == RIGHT
    assert not Path(np.__file__).read_text().endswith("# changed")


def test_nothing_is_left_when_the_server_is_closed(target):
    for kind in (SANDBOX, PROCESS):
        with Worker(choose_isolation((ROOT, target.folder), kind), TOOLS) as worker:
            verdict_on(worker, ATTACKS["leaves_a_daemon"], target.given)
            processes = processes_below(worker._process.pid)
        assert not [process for process in processes if os.path.exists(f"/proc/{process}")]
