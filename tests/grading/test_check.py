"""The instant check: it tells pass from fail from todo, says why, and never raises."""

import contextlib
import sys
import time

import numpy as np
import pytest

from corelib.grading import Case, Limits, Question, check
from corelib.grading import check as check_function
from corelib.grading.report import describe

QUESTION = Question(
    name="ch03.total",
    title="A sum",
    entry="total",
    points=3,
    cases=lambda rng: [Case("three numbers", (rng.normal(size=3),)), Case("a <large> one", (np.arange(20.0),))],
    oracle=lambda h: float(h.sum()),
    limits=Limits(seconds=1.0),
)


@pytest.fixture(autouse=True)
def _only_question(monkeypatch):
    module = sys.modules[check_function.__module__]
    monkeypatch.setattr(module, "find_question", lambda name: QUESTION)


def total(h):
    return float(h.sum())


def test_a_right_answer_passes():
    report = check("ch03.total", total)
    assert report.passed and report.points == 3 and "all 2 cases are right" in str(report)
    report.require()


def test_a_wrong_answer_is_told_what_was_given_expected_and_came_back():
    report = check("ch03.total", lambda h: float(h.sum()) + 1)
    text = str(report)
    assert report.status == "fail" and report.points == 0
    for words in ("three numbers", "given", "total(array([", "expected", "came back", "also wrong  a <large> one"):
        assert words in text
    with pytest.raises(AssertionError, match=r"ch03\.total: fail"):
        report.require()


def test_html_is_escaped_and_says_the_verdict_in_words():
    html = check("ch03.total", lambda h: 0.0)._repr_html_()
    assert "a &lt;large&gt; one" in html and "<large>" not in html and "fail" in html


def test_an_untouched_answer_is_todo():
    def untouched(h):
        raise NotImplementedError

    assert check("ch03.total", untouched).status == "todo"


def _exit(h):
    sys.exit()


def _forever(h):
    while True:
        pass


def _swallows_everything(h):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(10)


def _deep(h):
    return _deep(h)


def _mutates(h):
    found = float(h.sum())
    h[:] = 0
    return found


@pytest.mark.parametrize(
    "answer, words",
    [
        (_exit, "it raised SystemExit"),
        (_forever, "it took longer than 1 s"),
        (_swallows_everything, "it took longer than 1 s"),
        (_deep, "RecursionError"),
        (_mutates, "changed its inputs"),
        (lambda h: 1 / 0, r"it raised ZeroDivisionError: division by zero (line"),
        (lambda: 0, "TypeError"),
        (lambda h: object(), "not a number, text, array"),
        (None, "answer is a NoneType; expected the function total"),
        (3, "answer is a int; expected the function total"),
    ],
)
def test_nothing_an_answer_does_raises_out_of_a_check(answer, words):
    report = check("ch03.total", answer)
    assert report.status == "fail" and words in str(report), str(report)


def test_a_broken_question_is_reported_as_our_fault(monkeypatch):
    module = sys.modules[check_function.__module__]
    monkeypatch.setattr(module, "_exam", lambda question, seed: 1 / 0)
    assert "the check itself failed (ZeroDivisionError" in str(check("ch03.total", total))


def test_an_unknown_question_is_reported_with_those_there_are(monkeypatch):
    monkeypatch.undo()
    report = check("ch03.no_such", total)
    assert report.status == "fail" and "expected one of " in str(report) and "ch03." in str(report)


def test_inputs_are_fresh_for_every_call_even_after_they_were_changed():
    check("ch03.total", _mutates)
    assert check("ch03.total", total).passed


def test_memory_is_measured_where_a_case_limits_it(monkeypatch):
    question = Question(
        "ch03.m", "m", "m", 1, lambda rng: [Case("big", (1000,), peak_mb=4)], lambda n: float(n), limits=Limits(5)
    )
    module = sys.modules[check_function.__module__]
    monkeypatch.setattr(module, "find_question", lambda name: question)
    assert check("ch03.m", lambda n: float(n)).passed
    report = check("ch03.m", lambda n: float(np.ones((n, n)).sum() * 0 + n))
    assert "it held 8 MB at once; expected at most 4 MB" in str(report)


def test_a_helper_from_another_cell_is_remarked_upon():
    space = {"__name__": "__main__", "np": np}
    exec(compile("def helper(h):\n    return h.sum()", "cell-1", "exec"), space)
    exec(compile("def total(h):\n    return float(helper(h))", "cell-2", "exec"), space)
    report = check("ch03.total", space["total"])
    assert report.passed and "helper is defined in another cell" in str(report)


def test_a_helper_of_the_set_up_cell_is_not_remarked_upon(monkeypatch):
    monkeypatch.setattr(sys.modules[check_function.__module__], "_GIVEN", frozenset({"helper"}))
    space = {"__name__": "__main__", "np": np}
    exec(compile("def helper(h):\n    return h.sum()", "cell-1", "exec"), space)
    exec(compile("def total(h):\n    return float(helper(h))", "cell-2", "exec"), space)
    report = check("ch03.total", space["total"])
    assert report.passed and "another cell" not in str(report)


@pytest.mark.parametrize(
    "value, text",
    [
        (1 / 3, "0.3333333333"),
        (np.array([1.0, 2.0]), "array([1., 2.], float64)"),
        (np.zeros((4, 5)), "float64 array of shape (4, 5): 0, 0, 0, 0, …"),
        ((1, [2]), "(1, [2])"),
        ({"a": 1.5}, "{'a': 1.5}"),
        ("x" * 500, "'" + "x" * 116 + "..."),
    ],
)
def test_values_are_described_in_a_line(value, text):
    assert describe(value) == text
