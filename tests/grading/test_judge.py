"""Verdicts: all or nothing, todo only for the untouched, the diagnosis that explains most."""

import numpy as np
import pytest

from corelib.grading import Case, Diagnosis, Question, Raises, answers_like
from corelib.grading.judge import Outcome, draw_exam, judge


def cases(rng):
    return [Case("plain", (rng.normal(size=3),)), Case("ones", (np.ones(2),)), Case("empty", (np.ones(0),), REFUSES)]


REFUSES = Raises("ValueError", ("h",))
QUESTION = Question(
    name="ch03.total",
    title="A sum",
    entry="total",
    points=3,
    cases=cases,
    oracle=lambda h: float(h.sum()),
    diagnoses=(
        answers_like("twice", "You counted everything twice.", lambda h: 2 * float(h.sum())),
        Diagnosis("no_check", "An empty array has no total.", lambda a: a.expected is None and not a.error),
        Diagnosis("broken", "Never.", lambda a: a.value.nonsense),
    ),
)
EXAM = draw_exam(QUESTION)
RIGHT = [Outcome(value=EXAM.expected[0]), Outcome(value=2.0), Outcome(error="ValueError", message="h is empty")]


def replaced(i, outcome):
    return [*RIGHT[:i], outcome, *RIGHT[i + 1 :]]


def test_all_right_gets_all_points():
    verdict = judge(EXAM, RIGHT)
    assert (verdict.status, verdict.points, verdict.n_cases, verdict.failures) == ("pass", 3, 3, ())


@pytest.mark.parametrize(
    "i, outcome, words",
    [
        (1, Outcome(value=2.1), "the number is 2.1; expected 2"),
        (1, Outcome(value=2.0, mutated=True), "changed its inputs"),
        (1, Outcome(error="KeyError", message="3", where="line 2"), r"it raised KeyError: 3 (line 2)"),
        (1, Outcome(value=object()), "the value is a object"),
        (2, Outcome(value=0.0), "it returned a value; expected ValueError"),
        (2, Outcome(error="NotImplementedError"), "it raised NotImplementedError; expected ValueError"),
    ],
)
def test_one_wrong_case_takes_all_points(i, outcome, words):
    verdict = judge(EXAM, replaced(i, outcome))
    assert (verdict.status, verdict.points) == ("fail", 0)
    assert words in verdict.failures[0].message and verdict.failures[0].case is EXAM.cases[i]


def test_missing_and_stopped_calls_get_nothing():
    assert "answered 2 of 3" in judge(EXAM, RIGHT[:2]).message
    assert judge(EXAM, RIGHT, "it ran out of time").points == 0
    assert judge(EXAM, []).points == 0


def test_todo_is_for_the_untouched_alone():
    untouched = [Outcome(error="NotImplementedError")] * 3
    assert judge(EXAM, untouched).status == "todo"
    assert judge(EXAM, replaced(0, untouched[0])).status == "fail"
    assert judge(EXAM, untouched, "it ran out of time").status == "fail"


def test_the_diagnosis_that_explains_most_failures_is_given():
    twice = [Outcome(value=2 * EXAM.expected[0]), Outcome(value=4.0), Outcome(value=0.0)]
    assert judge(EXAM, twice).diagnosis.name == "twice"
    assert judge(EXAM, replaced(2, Outcome(value=0.0))).diagnosis.name == "no_check"
    assert judge(EXAM, replaced(1, Outcome(value=7.0))).diagnosis is None


def test_a_memory_limit_on_a_case_counts():
    question = Question("ch03.m", "m", "m", 1, lambda rng: [Case("big", (1.0,), peak_mb=10)], lambda x: x)
    exam = draw_exam(question)
    assert judge(exam, [Outcome(value=1.0, peak_mb=9.9)]).status == "pass"
    assert (
        "held 11 MB at once; expected at most 10 MB"
        in judge(exam, [Outcome(value=1.0, peak_mb=11)]).failures[0].message
    )


def test_a_property_across_cases_is_asked_only_when_each_case_is_right():
    def across(cases, values):
        return "" if values[0] < values[1] else f"{values[0]} is not below {values[1]}"

    question = Question(
        "ch03.a", "a", "a", 1, lambda rng: [Case("x", (1,)), Case("y", (2,))], lambda x: x, across=across
    )
    exam = draw_exam(question)
    assert judge(exam, [Outcome(value=1), Outcome(value=2)]).status == "pass"
    backwards = Question(
        "ch03.a", "a", "a", 1, lambda rng: [Case("x", (2,)), Case("y", (1,))], lambda x: x, across=across
    )
    assert judge(draw_exam(backwards), [Outcome(value=2), Outcome(value=1)]).message == "2 is not below 1"


def test_exams_are_drawn_from_the_seed_alone():
    a, b, c = draw_exam(QUESTION, 5), draw_exam(QUESTION, 5), draw_exam(QUESTION, 6)
    assert np.array_equal(a.cases[0].args[0], b.cases[0].args[0])
    assert not np.array_equal(a.cases[0].args[0], c.cases[0].args[0])
