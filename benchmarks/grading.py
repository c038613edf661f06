"""Time grading: 200 submissions of a chapter, the latency of a check in a notebook, and nbgrader on the same answers.

Submissions are made from the course's own solutions, exercises and catalogued wrong answers, with hostile and broken
ones among them. nbgrader autogrades ten of them from the course that ``python -m corelib.grading nbgrader`` exports, in
the same run as ours; its marks are compared with ours before its time counts. Run it with one thread a process:

    OMP_NUM_THREADS=1 python -m benchmarks.grading [--quick]
"""

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np
import psutil
from jupyter_client.manager import start_new_kernel

from benchmarks.table import row, show, target, write
from corelib.grading import find_question, question_names
from corelib.grading.exercise import read_cells

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "grading.csv"
CHAPTER = "ch03"
HOSTILE = {
    "loops": "while True:\n        pass",
    "exits": "import os\n    os._exit(0)",
    "forks": "import os\n    os.fork()",
    "allocates": "return bytearray(75 << 30)",
    "reads": "return open('/etc/passwd').read()",
    "kills": "import os\n    os.kill(os.getppid(), 9)",
    "prints": "print('x' * 10**8)",
    "fakes": "import numpy\n    numpy.allclose = numpy.array_equal = lambda *_: True\n    return 0",
}


def make_submissions(folder: Path, n: int, seed: int) -> dict[str, str]:
    """Write ``n`` submissions: right, wrong, untouched, hostile and broken ones, mixed.

    Args:
        folder: gets a folder a learner.
        n: how many.
        seed: seed of the mixture.

    Returns:
        Learner to "right", "wrong", "untouched", "hostile" or "broken".
    """
    rng, made = random.Random(seed), {}
    for i in range(n):
        kind = ("right", "wrong", "wrong", "untouched", "hostile", "broken")[i % 6]
        learner = f"learner-{i:03}"
        made[learner] = kind
        home = folder / learner
        if kind in ("right", "untouched", "broken"):
            shutil.copytree(_chapter("exercises" if kind == "untouched" else "solutions"), home, ignore=_no_wrong)
        else:
            _with_answers(home, _wrong_answers(rng) if kind == "wrong" else _one_hostile(rng))
        if kind == "broken":
            _break(sorted(home.glob("*.ipynb"))[rng.randrange(2)], rng)
    return made


def bench_submissions(n: int, seed: int = 1) -> list[dict]:
    """Grade ``n`` submissions on two cores in one run; check every verdict; rate and peak memory."""
    with tempfile.TemporaryDirectory() as place:
        made = make_submissions(Path(place) / "all", n, seed)
        seconds, megabytes = _grade(Path(place) / "all", Path(place) / "grades.json", jobs=2)
        grades = {g["learner"]: g for g in json.loads((Path(place) / "grades.json").read_text())["grades"]}
    assert grades.keys() == made.keys()
    for learner, kind in made.items():
        full = grades[learner]["points"] == grades[learner]["max"]
        assert full == (kind == "right"), f"{learner} is {kind} and got {grades[learner]['points']}"
        assert kind != "untouched" or grades[learner]["points"] == 0
    what, x = f"grade {CHAPTER}", ("submissions", n)
    return [
        row(what, "ours, sandbox, 2 jobs", "rate", "1/s", n / seconds, x=x, mode="cpu, 2 cores"),
        row(what, "ours, sandbox, 2 jobs", "peak memory, all processes", "MB", megabytes, x=x, mode="cpu, 2 cores"),
    ]


def bench_check(repeats: int) -> list[dict]:
    """Latency of ``check`` in a real kernel: the first one of each exercise notebook, and later ones."""
    first, later = [], []
    for path in sorted(_chapter("solutions").glob("*.ipynb")):
        a, b = _latencies(path, repeats)
        first += a
        later += b
    x = ("checks", len(later))
    ok_first, ok_later = target("< 1000 ms", max(first) < 1000), target("< 200 ms", np.quantile(later, 0.99) < 200)
    return [
        row(
            "first check in a notebook",
            "ours",
            "slowest",
            "ms",
            max(first),
            config=ok_first,
            x=("notebooks", len(first)),
        ),
        row("first check in a notebook", "ours", "median", "ms", first, x=("notebooks", len(first))),
        row("later check", "ours", "median", "ms", later, x=x),
        row("later check", "ours", "p99", "ms", float(np.quantile(later, 0.99)), config=ok_later, x=x),
    ]


def bench_nbgrader(n: int) -> list[dict]:
    """The same ``n`` submissions through nbgrader's autograde and through ours, one job each."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        course = work / "course"
        _run([sys.executable, "-m", "corelib.grading", "nbgrader", str(course), "--seed", "7"], ROOT)
        (assignment,) = [path.name for path in (course / "source").iterdir()]
        _run([sys.executable, "-m", "nbgrader", "generate_assignment", assignment, "--force"], course)
        for i in range(n):
            home = course / "submitted" / f"learner-{i}" / assignment
            answers = _right_answers() if i % 2 == 0 else _wrong_answers(random.Random(i))
            _with_answers(home, answers, template=course / "release" / assignment)
            shutil.copytree(home, work / "all" / f"learner-{i}")
        ours = [_grade(work / "all", work / f"{i}.json", jobs=1)[0] for i in range(3)]
        theirs = _run([sys.executable, "-m", "nbgrader", "autograde", assignment], course)
        _run([sys.executable, "-m", "nbgrader", "export"], course)
        with (course / "grades.csv").open(newline="") as file:
            marks = {entry["student_id"]: float(entry["score"]) for entry in csv.DictReader(file)}
        grades = json.loads((work / "0.json").read_text())["grades"]
        assert marks == {grade["learner"]: grade["points"] for grade in grades}, (marks, grades)
    ratios = [theirs / seconds for seconds in ours]
    x, what = ("submissions", n), f"autograde {CHAPTER}"
    return [
        row(what, "ours, sandbox, 1 job", "time a submission", "s", [seconds / n for seconds in ours], x=x),
        row(what, "nbgrader 0.9", "time a submission", "s", theirs / n, x=x),
        row(what, "nbgrader 0.9", "ratio to ours", "x", ratios, config=target("20x", np.median(ratios) >= 20), x=x),
    ]


def _chapter(kind: str) -> Path:
    (folder,) = (ROOT / kind).glob(f"{CHAPTER}_*")
    return folder


def _no_wrong(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "wrong"]


def _wrong_answers(rng: random.Random) -> dict[str, str]:
    """A catalogued wrong answer for every question."""
    answers = {}
    for name in question_names(CHAPTER):
        files = sorted((_chapter("solutions") / "wrong" / name.partition(".")[2]).glob("*.py"))
        answers[name] = rng.choice(files).read_text(encoding="utf-8")
    return answers


def _one_hostile(rng: random.Random) -> dict[str, str]:
    name, attack = rng.choice(question_names(CHAPTER)), rng.choice(sorted(HOSTILE))
    return {name: f"def {find_question(name).entry}(*arguments):\n    {HOSTILE[attack]}\n"}


def _right_answers() -> dict[str, str]:
    answers = {}
    for path in sorted(_chapter("solutions").glob("*.ipynb")):
        for cell in read_cells(path.read_text(encoding="utf-8"), path.name):
            if cell.tagged("ex:"):
                answers[cell.tagged("ex:")] = cell.source
    return answers


def _with_answers(home: Path, answers: dict[str, str], template: Path | None = None) -> None:
    """Write notebooks that hold the given answers; questions without one keep what the template has."""
    home.mkdir(parents=True)
    for path in sorted((template or _chapter("solutions")).glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for tag in cell.metadata.get("tags", []):
                if tag.removeprefix("ex:") in answers and tag.startswith("ex:"):
                    cell.source = answers[tag.removeprefix("ex:")]
        nbformat.write(notebook, home / path.name)


def _break(path: Path, rng: random.Random) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(rng.choice([text[: len(text) // 2], "", text.replace("    # SOLUTION", "  (")]), encoding="utf-8")


def _grade(folder: Path, out: Path, jobs: int) -> tuple[float, float]:
    """Seconds and peak megabytes (of all its processes together) of one run of the command."""
    command = [sys.executable, "-m", "corelib.grading", "grade", str(folder), "--sandbox", "--seed", "7"]
    command += ["--json", str(out), "--jobs", str(jobs), "--questions", CHAPTER]
    began, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, _resident(watched))
        time.sleep(0.1)
    assert process.returncode == 0
    return time.perf_counter() - began, peak / 1e6


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.Error:  # one that ended while it was looked at
        return 0
    return total


def _run(command: list[str], folder: Path) -> float:
    """Seconds of one command. Tools of this environment come first on the path, as nbgrader wants alembic there."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return time.perf_counter() - began


def _latencies(path: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the first check in a notebook, and of all later ones, after all cells that come before it."""
    cells = [cell for cell in read_cells(path.read_text(encoding="utf-8"), path.name) if cell.kind == "code"]
    checks = [cell.source for cell in cells if cell.source.startswith("check(")]
    last = max(i for i, cell in enumerate(cells) if cell.source.startswith("check("))
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(path.parent))
    try:
        for cell in cells[:last]:
            if not cell.source.startswith("check("):
                _execute(client, cell.source)
        _execute(client, "import time")
        timed = "began = time.perf_counter(); report = {}; print(1e3 * (time.perf_counter() - began), report.status)"
        found = []
        for source in checks * (1 + repeats):
            milliseconds, status = _execute(client, timed.format(source)).split()
            assert status == "pass", f"{path.name}: {source} says {status}"
            found.append(float(milliseconds))
        return found[:1], found[1:]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _execute(client, source: str) -> str:
    text = []

    def collect(message: dict) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            text.append(message["content"]["text"])

    reply = client.execute_interactive(source, output_hook=collect, timeout=120)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(text)


def main() -> None:
    """Run all of it, print the table, and write it to benchmarks/results."""
    parser = argparse.ArgumentParser(description="Time grading, and nbgrader on the same submissions.")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, and keep the results file as it is")
    quick = parser.parse_args().quick
    rows = bench_check(repeats=3 if quick else 30)
    rows += bench_submissions(24 if quick else 200)
    rows += bench_nbgrader(2 if quick else 10)
    show(rows)
    if not quick:
        write(RESULTS, rows)


if __name__ == "__main__":
    main()
