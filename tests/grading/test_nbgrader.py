"""The export is a valid nbgrader course, says the same as our exercises, and nbgrader's own commands run it."""

import csv
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

from corelib.grading import find_question, standing
from corelib.grading.__main__ import main
from corelib.grading.exercise import TODO_LINES, SourceError, exercise_notebook
from corelib.grading.judge import draw_exam
from corelib.grading.nbgrader import COURSE_ID, export, hidden_seed, source_notebook

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "solutions").glob("ch*/*.ipynb"))
SEED = 11
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n.*### END SOLUTION$", re.M | re.S)
HIDDEN = re.compile(r" *### BEGIN HIDDEN TESTS\n.*### END HIDDEN TESTS", re.S)

TITLE = "# Bins\n\nSee [the lesson](../../course/ch03_x/01_y.ipynb), then [the next one](ex02_z.ipynb)."
ANSWER = """\
def digitize(h, edges):
    \"\"\"The largest i with edges[i] <= h.\"\"\"
    # SOLUTION
    if h.min() < edges[0]:
        raise ValueError("a value lies below the first edge")
    return np.searchsorted(edges, h, side="right") - 1
    # END SOLUTION"""
CHECK = 'check("ch03.digitize", digitize)'


def cell(source, *tags, kind="code"):
    made = {"cell_type": kind, "id": "x", "metadata": {"tags": list(tags)}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(title=TITLE, answer=ANSWER, check=CHECK):
    cells = [
        cell(title, kind="markdown"),
        cell("import numpy as np", "setup"),
        cell("from corelib.grading import check"),
        cell(answer, "ex:ch03.digitize"),
        cell("Count edges.", "hint:ch03.digitize", kind="markdown"),
        cell(check),
        cell("Searching is faster than comparing.", "solution-only", kind="markdown"),
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def root(tmp_path):
    """A course of one exercise with one question."""
    folder = tmp_path / "repository"
    for name in ("course", "solutions/ch03_bins"):
        (folder / name).mkdir(parents=True)
    (folder / "solutions/ch03_bins/ex01_digitize.ipynb").write_text(notebook())
    return folder


def cells_of(text):
    return [{**cell, "source": "".join(cell["source"])} for cell in json.loads(text)["cells"]]


def is_test(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade", False)


def is_setup(cell):
    return "setup" in cell["metadata"].get("tags", [])


def tagged(cell, prefix):
    return next((tag.removeprefix(prefix) for tag in cell["metadata"].get("tags", []) if tag.startswith(prefix)), "")


def exported(path):
    return source_notebook(path.read_text(), path.relative_to(ROOT).as_posix(), SEED)


def the_test_of(text):
    (found,) = [cell["source"] for cell in cells_of(text) if is_test(cell)]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_nbgrader_finds_every_cell_valid_and_every_id_once(path):
    found = nbformat.reads(exported(path), as_version=4)
    nbformat.validate(found)
    MetadataValidator().validate_nb(found)
    ids = [cell["id"] for cell in found.cells]
    assert len(set(ids)) == len(ids)
    grade_ids = [cell.metadata.nbgrader.grade_id for cell in found.cells if "nbgrader" in cell.metadata]
    assert len(set(grade_ids)) == len(grade_ids) > 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_after_each_answer_stands_a_locked_test_that_is_worth_the_questions_points(path):
    cells = cells_of(exported(path))
    answers = {tagged(cell, "ex:"): i for i, cell in enumerate(cells) if tagged(cell, "ex:")}
    tests = {cell["metadata"]["nbgrader"]["grade_id"]: i for i, cell in enumerate(cells) if is_test(cell)}
    assert len(answers) == len(tests) > 0
    for name, place in answers.items():
        answer = cells[place]["metadata"]["nbgrader"]
        assert (answer["solution"], answer["grade"], answer["locked"]) == (True, False, False)
        after = tests[answer["grade_id"].replace("ex-", "test-")]
        test = cells[after]["metadata"]["nbgrader"]
        assert (test["solution"], test["grade"], test["locked"]) == (False, True, True)
        assert test["points"] == find_question(name).points
        assert place < after and f'check("{name}"' in cells[after - 1]["source"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_outside_the_solution_regions_the_export_is_our_own_exercise(path):
    def ours(match):
        return "\n".join(match[1] + line for line in TODO_LINES)

    exercise = cells_of(exercise_notebook(path.read_text(), path.relative_to(ROOT).as_posix()))
    left = [cell for cell in cells_of(exported(path)) if not is_test(cell)]
    assert [cell["id"] for cell in left] == [cell["id"] for cell in exercise]
    for cell, expected in zip(left, exercise, strict=True):
        if cell["cell_type"] == "code":
            assert REGION.sub(ours, cell["source"]) == expected["source"]
            assert len(REGION.findall(cell["source"])) == bool(tagged(cell, "ex:"))
        else:
            assert "](../" not in cell["source"]


def test_hints_stay_folded_notes_for_instructors_go_and_links_out_of_the_course_become_words():
    cells = cells_of(source_notebook(notebook(), "ex01", SEED))
    assert cells[0]["source"] == "# Bins\n\nSee the lesson, then [the next one](ex02_z.ipynb)."
    assert cells[4]["source"].startswith("<details><summary>Hint</summary>")
    assert "nbgrader" not in cells[1]["metadata"]  # learners may import more in the set-up cell
    assert not any("Searching is faster" in cell["source"] for cell in cells)


def test_a_solution_passes_its_test_in_silence_even_where_it_warns(monkeypatch, capsys):
    monkeypatch.setattr(standing, "_session", {})
    test = the_test_of(source_notebook(notebook(), "ex01", SEED))
    names = {"np": np, "sys": sys}
    exec(ANSWER.replace("# SOLUTION", 'print("RuntimeWarning", file=sys.stderr)'), names)
    exec(test, names)
    assert capsys.readouterr().err == ""


def test_an_answer_that_knows_only_the_visible_cases_fails_the_hidden_ones(monkeypatch):
    monkeypatch.setattr(standing, "_session", {})
    exam = draw_exam(find_question("ch03.digitize"))

    def digitize(h, edges):
        for case, expected in zip(exam.cases, exam.expected, strict=True):
            if all(map(np.array_equal, case.args, (h, edges))):
                if expected is None:
                    raise ValueError("below the first edge")
                return expected.copy()
        return np.zeros(h.shape, int)

    test = the_test_of(source_notebook(notebook(), "ex01", SEED))
    exec(HIDDEN.sub("", test), {"digitize": digitize})
    with pytest.raises(AssertionError, match=r"ch03\.digitize: fail"):
        exec(test, {"digitize": digitize})


def test_the_seed_alone_decides_and_it_decides_the_hidden_tests_only(root, tmp_path):
    first, again, other = (export(root, tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert [path.name for path in first] == ["nbgrader_config.py", "README.md", "ex01_digitize.ipynb"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert first[2].read_text() != other[2].read_text()
    assert HIDDEN.sub("", the_test_of(first[2].read_text())) == HIDDEN.sub("", the_test_of(other[2].read_text()))


def test_hidden_seeds_differ_between_questions_and_are_not_the_instructors_seed():
    seeds = [hidden_seed(question, seed) for question in ("ch03.digitize", "ch03.szt_task") for seed in (0, 1)]
    assert len(set(seeds)) == 4 and min(seeds) > 1


def test_no_file_of_the_export_knows_the_machine(root, tmp_path):
    for path in export(root, tmp_path / "course", SEED):
        assert not re.search(
            rf"{re.escape(str(tmp_path))}|{re.escape(str(ROOT))}|/home/|/root/|/tmp/", path.read_text()
        )


def test_a_folder_that_holds_something_is_refused_and_left_alone(root, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "gradebook.db").write_text("grades")
    for place in (tmp_path / "taken", tmp_path / "taken" / "gradebook.db"):
        with pytest.raises(ValueError, match="not an empty folder; nothing was written"):
            export(root, place, SEED)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["gradebook.db"]
    assert (tmp_path / "taken" / "gradebook.db").read_text() == "grades"
    (tmp_path / "empty").mkdir()
    assert export(root, tmp_path / "empty", SEED)


def test_a_negative_seed_and_a_course_without_exercises_are_refused_by_name(root, tmp_path):
    with pytest.raises(ValueError, match="seed is -1"):
        export(root, tmp_path / "out", -1)
    with pytest.raises(ValueError, match="holds no exercises"):
        export(tmp_path, tmp_path / "out", SEED)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"check": "digitize"}, "no cell after the answer that says check.'ch03.digitize'"),
        ({"title": "# Bins\n\nWrite below ### BEGIN SOLUTION."}, "cell-01 says 'BEGIN SOLUTION'"),
        ({"answer": ANSWER + "\n# BEGIN HIDDEN TESTS"}, "ex-ch03-digitize says .*BEGIN HIDDEN TESTS"),
        ({"answer": "def digitize(h, edges):\n    return h"}, "cell 4 has 0 '# SOLUTION'"),
    ],
)
def test_a_source_that_nbgrader_would_misread_is_refused_and_nothing_is_written(root, tmp_path, changes, words):
    (root / "solutions/ch03_bins/ex02_broken.ipynb").write_text(notebook(**changes))
    with pytest.raises(SourceError, match=words):
        export(root, tmp_path / "out", SEED)
    assert not (tmp_path / "out").exists()


def test_the_command_names_what_it_wrote_and_refuses_to_write_it_twice(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_ROOT", str(root))
    arguments = ["nbgrader", str(tmp_path / "out"), "--seed", "3"]
    assert main(arguments) == 0
    assert "ex01_digitize.ipynb" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "not an empty folder" in capsys.readouterr().err


# From here on nbgrader itself works: more than a minute a chapter.

CHAPTERS = [
    pytest.param(name, marks=[pytest.mark.slow, getattr(pytest.mark, name[:4])])
    for name in sorted({path.parent.name for path in SOURCES})
]


@pytest.fixture(scope="module", params=CHAPTERS)
def school(request, tmp_path_factory):
    """A chapter from export to grades: (folder of the course, chapter).

    Two learners fetch what was released and submit it, "untouched" without an answer, "solved" with all of them. But
    for the first notebook they delete every cell that is not graded, so that tests stand on their own (and the suite
    does not wait for figures).
    """
    here, chapter = tmp_path_factory.mktemp("school"), request.param
    course, desk = here / "course", here / "desk"
    desk.mkdir()
    export(ROOT, course, SEED)
    exchange = (chapter, f"--Exchange.root={here / 'exchange'}", f"--course={COURSE_ID}")
    command("nbgrader", "generate_assignment", chapter, folder=course)
    command("nbgrader", "release_assignment", *exchange, folder=course)
    command("nbgrader", "fetch_assignment", *exchange, folder=desk)
    for path in sorted((desk / chapter).glob("*.ipynb"))[1:]:
        rewrite(path, lambda cell: cell if "nbgrader" in cell["metadata"] or is_setup(cell) else None)
    command("nbgrader", "submit", *exchange, "--student=untouched", folder=desk)
    for path in (desk / chapter).glob("*.ipynb"):
        source = cells_of((course / "source" / chapter / path.name).read_text())
        answers = {cell["id"]: cell["source"] for cell in source if tagged(cell, "ex:")}
        rewrite(path, lambda cell, answers=answers: {**cell, "source": answers.get(cell["id"], cell["source"])})
    command("nbgrader", "submit", *exchange, "--student=solved", folder=desk)
    command("nbgrader", "collect", *exchange, folder=course)
    with ThreadPoolExecutor(2) as pool:
        for learner in [pool.submit(autograde, course, chapter, learner) for learner in ("untouched", "solved")]:
            learner.result()
    command("nbgrader", "export", folder=course)
    return course, chapter


def autograde(course, chapter, learner):
    command("nbgrader", "autograde", chapter, f"--student={learner}", folder=course)


def rewrite(path, change):
    """Replace each cell by what ``change`` makes of it; None deletes it."""
    content = json.loads(path.read_text())
    content["cells"] = [changed for cell in content["cells"] if (changed := change(cell)) is not None]
    path.write_text(json.dumps(content))


def command(module, *arguments, folder):
    """A command as it is typed in a folder, away from the settings and caches of whoever runs the tests."""
    own = {f"JUPYTER_{name}_DIR": str(folder / ".jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    paths = {
        "IPYTHONDIR": str(folder / ".jupyter" / "ipython"),
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]),  # nbgrader runs alembic
        "PYTHONPATH": str(ROOT),
    }
    settings = {"OMP_NUM_THREADS": "1", "COURSE_PROFILE": "quick", "COURSE_WIDGETS": "0"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=os.environ | own | paths | settings,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"


def exported_cells(chapter):
    return [cell for path in SOURCES if path.parent.name == chapter for cell in cells_of(exported(path))]


def test_what_is_released_holds_no_solution_and_no_hidden_test(school):
    course, chapter = school
    released = sorted((course / "release" / chapter).glob("*.ipynb"))
    assert [path.name for path in released] == [path.name for path in SOURCES if path.parent.name == chapter]
    for cell in [cell for path in released for cell in cells_of(path.read_text())]:
        assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN)", cell["source"])
        if tagged(cell, "ex:"):
            assert "raise NotImplementedError()" in cell["source"]
        if is_test(cell):
            assert ".require()" in cell["source"] and "seed=" not in cell["source"]


def test_nbgrader_gives_solutions_full_marks_and_untouched_notebooks_none(school):
    course, chapter = school
    with (course / "grades.csv").open() as file:
        found = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    points = sum(find_question(tagged(cell, "ex:")).points for cell in exported_cells(chapter) if tagged(cell, "ex:"))
    assert found == {"solved": (points, points), "untouched": (0, points)}


def test_it_does_so_for_every_question_and_leaves_none_to_be_graded_by_hand(school):
    course, chapter = school
    tests = {cell["id"]: cell["metadata"]["nbgrader"]["points"] for cell in exported_cells(chapter) if is_test(cell)}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for learner in ("solved", "untouched"):
            pages = gradebook.find_submission(chapter, learner).notebooks
            grades = [grade for page in pages for grade in page.grades]
            expected = tests if learner == "solved" else dict.fromkeys(tests, 0)
            assert {grade.name: grade.score for grade in grades} == expected
            assert not any(grade.needs_manual_grade for grade in grades)


def test_our_own_grader_reads_what_nbgrader_has_collected(school):
    course, chapter = school
    questions = [name for cell in exported_cells(chapter) if (name := tagged(cell, "ex:"))]
    command("corelib.grading", "grade", "submitted", "--questions", *questions, "--csv", "own.csv", folder=course)
    with (course / "own.csv").open() as file:
        found = {(row["learner"], row["status"]) for row in csv.DictReader(file)}
    assert found == {("solved", "pass"), ("untouched", "todo")}
