"""Two hundred submissions of a chapter in one run: right, wrong, untouched, hostile, broken, each with its verdict."""

import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corelib.grading import find_question, question_names
from corelib.grading.judge import draw_exam
from corelib.grading.outputs import CSV_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "ch03"
QUESTIONS = question_names(CHAPTER)
SOLUTIONS = sorted((ROOT / "solutions").glob(f"{CHAPTER}_*/*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob(f"{CHAPTER}_*/*.ipynb"))
WRONG = {
    name: sorted((ROOT / "solutions").glob(f"{CHAPTER}_*/wrong/{name.partition('.')[2]}/*.py")) for name in QUESTIONS
}
HOSTILE = (
    "import os\n    os._exit(0)",
    "import os\n    os.fork()",
    "import os\n    os.kill(os.getppid(), 9)",
    "return bytearray(75 << 30)",
    "return open('/etc/passwd').read()",
    "from corelib.grading import find_question",
    "import numpy\n    numpy.allclose = numpy.array_equal = numpy.abs = lambda *_: True\n    return 0",
    "return {entry}(*args)",
    "import os\n    for _ in range(200):\n        os.write(int(os.listdir('/proc/self/fd')[-2]), bytes(1 << 20))",
    "return type('Anything', (), {{'__eq__': lambda self, other: True}})()",
    "raise SystemExit(0)",
)
SLOW = "while True:\n        pass"
KINDS = ("right", "wrong", "partly", "untouched", "hostile", "broken", "right", "partly", "hostile", "wrong")


def answered(folder, question, source):
    """Replace one answer in a learner's solved notebooks."""
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if f"ex:{question}" in cell["metadata"].get("tags", []):
                cell["source"] = source
                path.write_text(json.dumps(notebook), encoding="utf-8")
                return path
    raise AssertionError(question)


def right(folder, i):
    return dict.fromkeys(QUESTIONS, "pass")


def untouched(folder, i):
    for path in EXERCISES:
        shutil.copy(path, folder)
    return dict.fromkeys(QUESTIONS, "todo")


def wrong(folder, i):
    """A script a question, each with another mistake of the catalogue."""
    for path in folder.iterdir():
        path.unlink()
    for name in QUESTIONS:
        shutil.copy(WRONG[name][i % len(WRONG[name])], folder / f"{name}.py")
    return dict.fromkeys(QUESTIONS, "fail")


def partly(folder, i):
    name = QUESTIONS[i % len(QUESTIONS)]
    answered(folder, name, WRONG[name][i % len(WRONG[name])].read_text(encoding="utf-8"))
    return dict.fromkeys(QUESTIONS, "pass") | {name: "fail"}


def hostile(folder, i):
    name = QUESTIONS[i % len(QUESTIONS)]
    entry = find_question(name).entry
    body = SLOW if i < 10 else HOSTILE[i % len(HOSTILE)].format(entry=entry)  # two of them run out of time
    answered(folder, name, f"def {entry}(*args):\n    {body}\n")
    return dict.fromkeys(QUESTIONS, "pass") | {name: "fail"}


def broken(folder, i):
    name = QUESTIONS[i % len(QUESTIONS)]
    how = (i // 10) % 4
    if how == 0:
        answered(folder, name, f"def {find_question(name).entry}(:\n")
        return dict.fromkeys(QUESTIONS, "pass") | {name: "fail"}
    path = answered(folder, name, "")
    lost = [name for name in QUESTIONS if f'"ex:{name}"' in path.read_text(encoding="utf-8")]
    if how == 1:
        path.write_bytes(path.read_bytes()[:-100])
    elif how == 2:
        path.unlink()
        path.symlink_to(SOLUTIONS[0])
    else:
        os.truncate(path, 1 << 30)
    return dict.fromkeys(QUESTIONS, "pass") | dict.fromkeys(lost, "missing")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two hundred submissions, what each has to get, and the folder with everything that one command made of them."""
    home = tmp_path_factory.mktemp("many")
    expected = {}
    for i, kind in zip(range(200), itertools.cycle(KINDS)):
        folder = home / "in" / f"{kind}-{i:03}"
        folder.mkdir(parents=True)
        for path in SOLUTIONS:
            shutil.copy(path, folder)
        expected[folder.name] = globals()[kind](folder, i)
    return home, expected


@pytest.mark.slow
@pytest.mark.ch03
def test_two_hundred_submissions_each_get_what_is_theirs(run, orphans):
    home, expected = run
    command = [
        sys.executable,
        "-m",
        "corelib.grading",
        "grade",
        str(home / "in"),
        "--questions",
        CHAPTER,
        "--jobs",
        "2",
    ]
    reports = ["--json", str(home / "out.json"), "--csv", str(home / "out.csv"), "--html", str(home / "html")]
    done = subprocess.run([*command, *reports], cwd=ROOT, capture_output=True, text=True, timeout=570)
    assert done.returncode == 0, done.stderr
    assert orphans() == set()

    out = json.loads((home / "out.json").read_text())
    found = {g["learner"]: {mark["question"]: mark["status"] for mark in g["marks"]} for g in out["grades"]}
    assert len(out["grades"]) == 200 and found == expected
    most = sum(out["questions"].values())
    for grade in out["grades"]:
        given = sum(out["questions"][name] for name, status in found[grade["learner"]].items() if status == "pass")
        assert (grade["points"], grade["max"]) == (given, most)

    with (home / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert {(row["learner"], row["question"]): row["status"] for row in rows} == {
        (learner, name): status for learner, marks in expected.items() for name, status in marks.items()
    }
    assert all(learner in done.stdout for learner in expected)
    hidden = hidden_numbers(out["seed"])
    assert len(hidden) > 100
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (home / "html").iterdir()}
    assert pages.keys() == expected.keys() | {"index"}
    for learner, page in pages.items():
        assert learner == "index" or learner in page
        assert "array(" not in page and "dtype" not in page
        assert not hidden & set(re.findall(r"\d+\.\d{3,}", page)), learner


def hidden_numbers(seed):
    """How the numbers in the hidden inputs would look in a report."""
    found = set()

    def look(value):
        if isinstance(value, tuple | list):
            [look(part) for part in value]
        elif isinstance(value, dict):
            look(list(value.values()))
        elif np.asarray(value).dtype.kind == "f":
            for x in np.abs(np.asarray(value, dtype=float)).ravel()[:50]:
                found.update({f"{x:.4g}", f"{x:.6g}", f"{x:.8f}", f"{x:.10g}", repr(float(x))})

    for name in QUESTIONS:
        for case in draw_exam(find_question(name), seed).cases:
            look(case.args)
    return {number for number in found if re.fullmatch(r"\d+\.\d{3,}", number)}
