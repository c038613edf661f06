"""From what came of an answer's calls to a verdict: the same judgement for the instant check and for the grade.

Everything here runs in the trusted process and sees plain values only.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from corelib.grading.child.values import NotPlainError, plain
from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question

PASS, FAIL, TODO, MISSING = "pass", "fail", "todo", "missing"
STATUSES = (PASS, FAIL, TODO, MISSING)
CHECK_SEED = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes:
        value: plain value that came back.
        error: name of the type of an error that was raised, or an empty string.
        message: the error's message.
        where: the line of the answer's own code that raised it.
        mutated: whether the arguments were changed.
        peak_mb: most memory held at once beyond the inputs, megabytes; None where it was not measured.
    """

    value: Any = None
    error: str = ""
    message: str = ""
    where: str = ""
    mutated: bool = False
    peak_mb: float | None = None


@dataclass(frozen=True)
class Exam:
    """A question with drawn cases and their right values.

    Attributes:
        question: the question.
        cases: drawn from the question's generator.
        expected: right value of each case; None where an error is expected.
    """

    question: Question
    cases: list[Case]
    expected: list[Any]


@dataclass(frozen=True)
class Failure:
    """One case that an answer got wrong.

    Attributes:
        case: the case.
        message: what is wrong, in one sentence.
        expected: the right value, or the error that was expected.
        outcome: what came back.
    """

    case: Case
    message: str
    expected: Any
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth.

    Attributes:
        status: "pass", "fail", "todo" (still the untouched exercise) or "missing" (no answer was handed in).
        points: the question's points for a pass, else 0.
        failures: the cases that went wrong, in order.
        n_cases: cases that were judged.
        diagnosis: the recognised mistake, if any.
        message: what is wrong where no single case is to blame (a syntax error, a time limit).
    """

    status: str
    points: int = 0
    failures: tuple[Failure, ...] = ()
    n_cases: int = 0
    diagnosis: Diagnosis | None = None
    message: str = ""


def draw_exam(question: Question, seed: int = CHECK_SEED) -> Exam:
    """Draw a question's cases and compute what is right for each.

    Args:
        question: the question.
        seed: seed of the generator; the question's name is mixed in, so that questions draw independently.

    Returns:
        An :class:`Exam`.
    """
    rng = np.random.default_rng([seed, zlib.crc32(question.name.encode())])
    cases = question.cases(rng)
    expected = [None if isinstance(case.expect, Raises) else plain(question.oracle(*case.args)) for case in cases]
    return Exam(question, cases, expected)


def judge(exam: Exam, outcomes: list[Outcome], stopped: str = "") -> Verdict:
    """Judge the outcomes of an answer's calls.

    Args:
        exam: question, cases, right values.
        outcomes: one for each case, in order; fewer when the answer was stopped.
        stopped: why it was stopped, or why it could not be called at all; an empty string when all calls were made.

    Returns:
        A :class:`Verdict`. Points are given only when every case is right and nothing was stopped.
    """
    if outcomes and all(outcome.error == "NotImplementedError" for outcome in outcomes) and not stopped:
        return Verdict(TODO, n_cases=len(exam.cases), message="Not written yet.")
    failures = []
    for case, expected, outcome in zip(exam.cases, exam.expected, outcomes, strict=False):
        message = _explain(exam.question, case, expected, outcome)
        if message:
            failures.append(Failure(case, message, case.expect if expected is None else expected, outcome))
    if not stopped and len(outcomes) != len(exam.cases):
        stopped = f"it answered {len(outcomes)} of {len(exam.cases)} cases"
    if not failures and not stopped and exam.question.across is not None:
        stopped = _across(exam, outcomes)
    passed = not failures and not stopped
    return Verdict(
        status=PASS if passed else FAIL,
        points=exam.question.points if passed else 0,
        failures=tuple(failures),
        n_cases=len(exam.cases),
        diagnosis=_diagnose(exam, failures),
        message=stopped,
    )


def raised(outcome: Outcome, *, with_message: bool = True) -> str:
    """A sentence about the error that an answer raised.

    Args:
        outcome: what came of the call.
        with_message: with the error's own words, which may hold the inputs.
    """
    message = f": {outcome.message}" if outcome.message and with_message else ""
    return f"it raised {outcome.error}{message}" + (f" ({outcome.where})" if outcome.where else "")


def _explain(question: Question, case: Case, expected: Any, outcome: Outcome) -> str:
    if isinstance(case.expect, Raises):
        if not outcome.error:
            return f"it returned a value; expected {case.expect.error}"
        return case.expect.explain_error(outcome.error, outcome.message)
    if outcome.error:
        return raised(outcome)
    if outcome.mutated:
        return "it changed its inputs; work on copies"
    try:
        message = (case.expect or question.compare).explain(expected, outcome.value)
    except NotPlainError as error:
        return str(error)
    if not message and case.peak_mb is not None and outcome.peak_mb is not None and outcome.peak_mb > case.peak_mb:
        return f"it held {outcome.peak_mb:.0f} MB at once; expected at most {case.peak_mb:.0f} MB"
    return message


def _across(exam: Exam, outcomes: list[Outcome]) -> str:
    try:
        return exam.question.across(exam.cases, [outcome.value for outcome in outcomes])
    except Exception as error:  # values of an odd form must not stop the grader
        return f"the values do not have the form that was asked for ({type(error).__name__}: {error})"


def _diagnose(exam: Exam, failures: list[Failure]) -> Diagnosis | None:
    """The diagnosis that recognises most failures; the earlier one where two tie."""
    attempts = []
    for failure in failures:
        expected = None if isinstance(failure.case.expect, Raises) else failure.expected
        outcome = failure.outcome
        attempts.append(Attempt(failure.case, expected, outcome.value, outcome.error, outcome.mutated))
    best, most = None, 0
    for diagnosis in exam.question.diagnoses:
        found = sum(_recognises(diagnosis, attempt) for attempt in attempts)
        if found > most:
            best, most = diagnosis, found
        if most == len(attempts):
            break  # no later one can recognise more
    return best


def _recognises(diagnosis: Diagnosis, attempt: Attempt) -> bool:
    try:
        return bool(diagnosis.recognises(attempt))
    except Exception:  # an odd value is no sign of this mistake
        return False
