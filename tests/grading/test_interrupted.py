"""A run that was killed goes on where it was: no grade is lost, none is given twice, none is changed."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corelib.grading.__main__ import main
from corelib.grading.catalogue import find_question
from corelib.grading.grade import Journal, grade_all
from corelib.grading.isolation import choose_isolation

ROOT = Path(__file__).resolve().parents[2]
N = 30
RIGHT = """import time
import numpy as np


def digitize(h, edges):
    time.sleep(0.01)
    if (h < edges[0]).any():
        raise ValueError("a value lies below the first edge")
    return np.searchsorted(edges, h, side="right") - 1
"""
ANSWERS = (RIGHT, RIGHT.replace("right", "left"), "import os\nos._exit(0)\ndef digitize(h, edges): ...\n")


@pytest.fixture
def handed_in(tmp_path):
    """Thirty submissions: right, wrong and hostile ones in turn."""
    for i in range(N):
        folder = tmp_path / "in" / f"learner{i:02}"
        folder.mkdir(parents=True)
        (folder / "ex02.py").write_text(f"# {i}\n{ANSWERS[i % 3]}")
    return tmp_path


def arguments(folder, *options):
    named = ["grade", str(folder / "in"), "--questions", "ch03.digitize"]
    return [*named, "--json", str(folder / "out.json"), "--csv", str(folder / "out.csv"), *options]


def start(folder, *options, **streams):
    command = [sys.executable, "-m", "corelib.grading", *arguments(folder, *options)]
    # A suite that runs in the background has Ctrl-C ignored, and so would have all that it starts.
    return subprocess.Popen(
        command, cwd=ROOT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **streams
    )


def journal(folder):
    """The whole lines of the journal, as they stand on the disk."""
    path = folder / ".out.json.journal"
    return (
        [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")] if path.exists() else []
    )


def wait_for(n, folder, grader):
    deadline = time.monotonic() + 60
    while len(journal(folder)) < n and grader.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def killed_after(n, folder, *options):
    """Start a run, kill it as soon as n grades are in, and return what is in its journal."""
    with start(folder, *options, stderr=subprocess.DEVNULL) as grader:
        wait_for(n, folder, grader)
        os.kill(grader.pid, signal.SIGKILL)
    assert grader.returncode == -signal.SIGKILL
    assert n <= len(journal(folder)) < N
    return [json.loads(line) for line in journal(folder)]


def left_after(n, folder):
    """A journal with n grades, as a killed run leaves it, without the cost of one."""
    kept = Journal(folder / ".out.json.journal")
    grades = grade_all(
        [folder / "in"], [find_question("ch03.digitize")], choose_isolation(), seed=99, jobs=1, journal=kept
    )
    list(itertools.islice(grades, n))
    grades.close()
    kept.close(complete=False)
    return [json.loads(line) for line in journal(folder)]


def by_learner(folder):
    """The run's seed, and its grades by learner, each there once."""
    out = json.loads((folder / "out.json").read_text())
    found = {grade["learner"]: grade for grade in out["grades"]}
    assert len(found) == len(out["grades"])
    return out["seed"], found


def same(grade, entry):
    """Whether a grade is that of the journal to the byte: an answer that ran again would have taken other seconds."""
    mine, theirs = (
        {key: g[key] for key in ("learner", "marks", "problems", "digest")} for g in (grade, entry["grade"])
    )
    return json.dumps(mine) == json.dumps(theirs)


@pytest.mark.slow
def test_a_run_that_is_killed_twice_loses_no_grade_and_repeats_none(handed_in, orphans):
    first = killed_after(6, handed_in)
    assert orphans() == set()
    assert not (handed_in / "out.json").exists() and not (handed_in / "out.csv").exists()
    both = killed_after(len(first) + 5, handed_in)
    assert orphans() == set()
    assert both[: len(first)] == first
    assert len({entry["grade"]["learner"] for entry in both}) == len(both), "graded twice"
    assert len({entry["seed"] for entry in both}) == 1

    with start(handed_in, stderr=subprocess.PIPE, text=True) as grader:
        _, said = grader.communicate(timeout=120)
    assert grader.returncode == 0 and f"{len(both)} of {N} were graded by an earlier run and are kept" in said
    seed, grades = by_learner(handed_in)
    assert seed == both[0]["seed"], "another seed means other hidden tests"
    assert [grades[f"learner{i:02}"]["points"] for i in range(N)] == [1, 0, 0] * (N // 3)
    assert all(same(grades[entry["grade"]["learner"]], entry) for entry in both)
    assert len((handed_in / "out.csv").read_text().splitlines()) == N + 1
    assert not (handed_in / ".out.json.journal").exists()
    assert orphans() == set()


def test_a_run_without_a_sandbox_leaves_no_process_either(handed_in, orphans, capsys):
    kept = killed_after(6, handed_in, "--no-sandbox")
    assert orphans() == set()
    assert main(arguments(handed_in, "--no-sandbox")) == 0
    assert f"{len(kept)} of {N} were graded" in capsys.readouterr().err
    _, grades = by_learner(handed_in)
    assert len(grades) == N and all(same(grades[entry["grade"]["learner"]], entry) for entry in kept)


def test_ctrl_c_keeps_what_is_graded_and_says_so(handed_in, orphans):
    with start(handed_in, stderr=subprocess.PIPE, text=True) as grader:
        wait_for(4, handed_in, grader)
        grader.send_signal(signal.SIGINT)
        _, said = grader.communicate(timeout=60)
    assert grader.returncode == 1 and "run the same command again" in said and "Traceback" not in said
    assert orphans() == set()
    kept = [json.loads(line) for line in journal(handed_in)]
    assert 4 <= len(kept) < N and main(arguments(handed_in)) == 0
    _, grades = by_learner(handed_in)
    assert len(grades) == N and all(same(grades[entry["grade"]["learner"]], entry) for entry in kept)


def test_grades_that_are_kept_are_not_worked_out_again(handed_in):
    left_after(8, handed_in)
    path = handed_in / ".out.json.journal"
    lines = path.read_bytes().splitlines()
    marked = json.loads(lines[0])
    marked["grade"]["marks"][0] |= {"seconds": 77.125, "remarks": ["Kept."]}  # what no grader would come up with
    path.write_bytes(b"\n".join([json.dumps(marked).encode(), *lines[1:]]) + b"\n")
    assert main(arguments(handed_in)) == 0
    seed, grades = by_learner(handed_in)
    assert seed == 99 and same(grades[marked["grade"]["learner"]], marked)


def test_a_torn_last_line_is_graded_again_and_the_others_are_kept(handed_in, capsys):
    kept = left_after(5, handed_in)
    path = handed_in / ".out.json.journal"
    whole = path.read_bytes()
    path.write_bytes(whole[: -len(whole.splitlines()[-1]) // 2])
    assert main(arguments(handed_in)) == 0
    assert f"4 of {N} were graded" in capsys.readouterr().err
    seed, grades = by_learner(handed_in)
    assert seed == 99 and len(grades) == N
    assert [same(grades[entry["grade"]["learner"]], entry) for entry in kept[:4]] == [True] * 4


def test_what_was_handed_in_anew_is_graded_anew(handed_in, capsys):
    kept = {entry["grade"]["learner"]: entry["grade"]["marks"][0] for entry in left_after(6, handed_in)}
    wrong = next(learner for learner, mark in kept.items() if mark["status"] == "fail")
    gone = next(learner for learner in kept if learner != wrong)
    (handed_in / "in" / wrong / "ex02.py").write_text(RIGHT)
    (handed_in / "in" / gone / "ex02.py").rename(handed_in / "taken_back.py")
    (handed_in / "in" / gone).rmdir()
    assert main(arguments(handed_in)) == 0
    assert f"4 of {N - 1} were graded" in capsys.readouterr().err
    _, grades = by_learner(handed_in)
    assert len(grades) == N - 1 and gone not in grades
    assert grades[wrong]["points"] == 1


@pytest.mark.parametrize("options", [["--seed", "7"], ["--no-sandbox"]])
def test_under_other_conditions_nothing_is_kept(options, handed_in, capsys):
    left_after(4, handed_in)
    assert main(arguments(handed_in, *options)) == 0
    assert "were graded by an earlier run" not in capsys.readouterr().err
    assert len(by_learner(handed_in)[1]) == N


def test_two_graders_do_not_write_to_one_journal(handed_in, capsys):
    first = Journal(handed_in / ".out.json.journal")
    assert main(arguments(handed_in)) == 1
    said = capsys.readouterr().err
    assert "error: another grader is writing to" in said and "give another --json" in said
    first.close(complete=False)
    assert main(arguments(handed_in)) == 0


def test_a_journal_that_is_damaged_in_the_middle_is_an_error_in_words(handed_in, capsys):
    left_after(3, handed_in)
    path = handed_in / ".out.json.journal"
    path.write_bytes(b"\x00\xff\n" + path.read_bytes())
    assert main(arguments(handed_in)) == 1
    assert "error: " in capsys.readouterr().err
    assert path.exists(), "grades that can be rescued by hand"
