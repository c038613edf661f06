"""What every question keeps, present and future: right answers pass, wrong ones fail for the right reason."""

import ast
import dataclasses
import functools
import re
from pathlib import Path

import numpy as np
import pytest

from corelib.grading import Close, check, find_question, question_names
from corelib.grading.child.values import PlainTensor
from corelib.grading.compare import Raises
from corelib.grading.exercise import BEGIN, END, read_cells
from corelib.grading.grade import grade_submission
from corelib.grading.isolation import choose_isolation
from corelib.grading.judge import draw_exam, judge
from corelib.grading.submission import Submission, read_answers
from corelib.grading.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
NAMES = question_names()
WRONG = sorted((ROOT / "solutions").glob("ch*/wrong/*/*.py"))
# Marked with their chapter, so that "make chapter N=3" tries those of chapter 3.
EACH = [pytest.param(name, marks=getattr(pytest.mark, name.partition(".")[0])) for name in NAMES]
EACH_WRONG = [
    pytest.param(path, id=f"{path.parent.name}-{path.stem}", marks=getattr(pytest.mark, path.parents[2].name[:4]))
    for path in WRONG
]
SEEDS = (0, 1, 12345)  # the first is that of the instant check


def folder_of(kind, name):
    (folder,) = (ROOT / kind).glob(f"{name.partition('.')[0]}_*")
    return folder


def cells_of(kind, name):
    """Set-up and answer cell of a question in ``solutions`` or ``exercises``."""
    question = find_question(name)
    for path in sorted(folder_of(kind, name).glob("*.ipynb")):
        found = [cell for cell in read_cells(path.read_text(encoding="utf-8"), path.name) if cell.kind == "code"]
        if any(f"ex:{name}" in cell.tags for cell in found):
            sources = [cell.source for cell in found if "setup" in cell.tags or f"ex:{name}" in cell.tags]
            return path, sources, question.entry
    raise AssertionError(f"{kind} has no answer cell for {name}")


def function_of(kind, name):
    _, sources, entry = cells_of(kind, name)
    namespace = {}
    for source in sources:
        exec(source, namespace)
    return namespace[entry]


exam_of = functools.cache(lambda name, seed=0: draw_exam(find_question(name), seed))


@pytest.fixture(scope="module")
def worker():
    with Worker(choose_isolation((ROOT,))) as started:
        yield started


def mark_of(worker, files, exams):
    submission = Submission("learner", tuple(files))
    return {mark.question: mark for mark in grade_submission(submission, exams, worker).marks}


def test_there_are_questions_and_wrong_answers():
    assert len(NAMES) >= 6 and len(WRONG) >= 30


@pytest.mark.parametrize("name", EACH)
def test_a_question_says_what_it_is(name):
    question = find_question(name)
    assert question.name == name and question.entry == name.partition(".")[2]
    assert question.points >= 1 and question.title and not question.title.endswith(".")
    labels = [case.label for case in exam_of(name).cases]
    assert len(labels) >= 2 and len(set(labels)) == len(labels)
    names = [diagnosis.name for diagnosis in question.diagnoses]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EACH)
def test_the_solution_passes_the_instant_check(name, seed):
    report = check(name, function_of("solutions", name), seed=seed)
    assert report.status == "pass" and report.points == report.max_points, str(report)


@pytest.mark.parametrize("name", EACH)
def test_the_untouched_exercise_is_todo_and_says_what_to_do(name):
    report = check(name, function_of("exercises", name))
    assert (report.status, report.points) == ("todo", 0) and find_question(name).entry in str(report)


@pytest.mark.parametrize("chapter", sorted({name.partition(".")[0] for name in NAMES}))
def test_graded_in_isolation_the_solutions_get_all_and_the_exercises_nothing(chapter, worker):
    exams = {name: exam_of(name, 99) for name in question_names(chapter)}
    solved = mark_of(worker, sorted(folder_of("solutions", chapter).glob("*.ipynb")), exams)
    assert {name: mark.points for name, mark in solved.items()} == {n: e.question.points for n, e in exams.items()}
    untouched = mark_of(worker, sorted(folder_of("exercises", chapter).glob("*.ipynb")), exams)
    assert {(mark.status, mark.points) for mark in untouched.values()} == {("todo", 0)}


@pytest.mark.parametrize("path", EACH_WRONG)
def test_a_wrong_answer_gets_nothing_and_is_recognised(path, worker):
    name = f"{path.parents[2].name[:4]}.{path.parent.name}"
    question = find_question(name)
    named = {diagnosis.name for diagnosis in question.diagnoses}
    for seed in SEEDS:
        mark = mark_of(worker, [path], {name: exam_of(name, seed)})[name]
        assert (mark.status, mark.points) == ("fail", 0), f"seed {seed}"
        if path.stem in named:
            assert mark.diagnosis == path.stem, f"seed {seed}: {mark.remarks}"


@pytest.mark.parametrize("name", EACH)
def test_every_diagnosis_has_a_wrong_answer_that_shows_it(name):
    found = {path.stem for path in WRONG if path.parent.name == find_question(name).entry}
    assert {diagnosis.name for diagnosis in find_question(name).diagnoses} <= found


@pytest.mark.parametrize("name", EACH)
def test_no_solution_line_is_left_in_the_exercise(name):
    _, sources, _ = cells_of("solutions", name)
    path, _, _ = cells_of("exercises", name)
    region = re.search(rf"{BEGIN}\n(.*?){END}", sources[-1], re.S)[1]
    lines = {line.strip() for line in region.splitlines() if len(line.strip()) >= 15}
    assert lines
    everywhere = {line.strip() for cell in read_cells(path.read_text(), path.name) for line in cell.source.splitlines()}
    assert not lines & everywhere


@pytest.mark.parametrize("name", EACH)
def test_an_answer_is_one_short_documented_function(name):
    _, sources, entry = cells_of("solutions", name)
    (function,) = ast.parse(sources[-1]).body
    assert isinstance(function, ast.FunctionDef) and function.name == entry
    text = ast.get_docstring(function)
    assert text and len(text.splitlines()) >= 3
    assert function.end_lineno - function.body[1].lineno <= 27


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def moved(value, step):
    """The value with every float moved by what ``step`` makes of it."""
    if isinstance(value, dict):
        return {key: moved(part, step) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(moved(part, step) for part in value)
    if isinstance(value, PlainTensor):
        return dataclasses.replace(value, array=moved(value.array, step))
    if isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        return value + step(value)
    return value


@pytest.mark.parametrize("name", EACH)
def test_tolerances_accept_a_tenth_of_the_stated_error_and_reject_ten_times_as_much(name):
    exam = exam_of(name)
    for case, expected in zip(exam.cases, exam.expected, strict=True):
        compare = case.expect or exam.question.compare
        if isinstance(compare, Raises) or not isinstance(compare, Close):
            continue
        floats = [leaf for leaf in leaves(expected) if np.asarray(leaf).dtype == np.float64]
        if not any(np.size(leaf) for leaf in floats):
            continue

        def error(value, compare=compare):
            return compare.atol + compare.rtol * np.abs(value)

        assert compare.explain(expected, moved(expected, lambda value: 0.1 * error(value))) == "", case.label
        assert compare.explain(expected, moved(expected, lambda value: 10 * error(value))) != "", case.label
        assert compare.explain(expected, moved(expected, lambda value: np.nan * value)) != "", case.label


@pytest.mark.parametrize("name", EACH)
def test_hidden_cases_differ_from_those_of_the_check(name):
    drawn = [repr([case.args for case in exam_of(name, seed).cases]) for seed in SEEDS]
    assert len(set(drawn)) == len(drawn)


def test_a_solution_handed_in_as_a_notebook_is_taken_apart_into_its_answers():
    for name in NAMES:
        path, sources, _ = cells_of("solutions", name)
        answers = read_answers(Submission("learner", (path,)), [find_question(name)])
        assert [source for _, source in answers.cells[name]] == sources and not answers.problems


def test_a_verdict_needs_every_case():
    exam = exam_of(NAMES[0])
    assert judge(exam, []).status == "fail"
