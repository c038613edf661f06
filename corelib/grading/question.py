"""A graded question as data: what is called, with what, what is right, and which mistakes have a name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corelib.grading.compare import Close, Comparison, Raises

_REMEMBERED = 100  # values of a wrong function: learners who make one mistake are asked the same cases


@dataclass(frozen=True)
class Case:
    """One call of the answer.

    Attributes:
        label: what is special about it, as a learner reads it: "half of the values are zero".
        args: positional arguments: numbers, text, arrays, and tuples, lists, dicts of them.
        expect: how this case is judged, where that differs from the question's comparison (an error to be raised).
        peak_mb: most memory that the call may hold at once beyond its inputs, megabytes; None for no such limit.
    """

    label: str
    args: tuple = ()
    expect: Comparison | Raises | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class Limits:
    """What one answer may use for all cases together.

    Attributes:
        seconds: wall time.
        memory_mb: address space beyond what the worker holds before the answer is read.
    """

    seconds: float = 5.0
    memory_mb: int = 1024


@dataclass(frozen=True)
class Attempt:
    """One case with what came of it: what a diagnosis looks at.

    Attributes:
        case: the call.
        expected: plain value that is right; None where an error is expected.
        value: plain value that came back; None if there was an error.
        error: name of the error's type, or an empty string.
        mutated: whether the call changed its inputs.
    """

    case: Case
    expected: Any
    value: Any = None
    error: str = ""
    mutated: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """A recognisable mistake.

    Attributes:
        name: the mistake in a word or three, as in ``solutions/chNN_slug/wrong/<question>/<name>.py``.
        says: one or two sentences to the learner: what was done, what was asked.
        recognises: whether a failed attempt shows this mistake. It sees plain values only; an error it raises counts
            as no.
    """

    name: str
    says: str
    recognises: Callable[[Attempt], bool]


@dataclass(frozen=True)
class Question:
    """Everything there is to know about a question; the instant check and the grade read the same.

    Attributes:
        name: chapter and short name, ``"ch03.ebab_edges"``; also the module below ``corelib.grading.questions``.
        title: the question in a few words.
        entry: name of the function that the answer defines.
        points: for an answer that is right in every case; there is no part of them.
        cases: random generator to cases. The instant check and the grade differ in the generator's seed alone.
        oracle: the right value for a case's arguments; a closed form or corelib.
        compare: how values are judged.
        limits: time and memory.
        diagnoses: mistakes with a name, the more specific first.
        across: judges all values together, where a property spans several calls: ``across(cases, values)`` returns what
            is wrong, or an empty string.
        preload: modules, beyond numpy, that the worker imports before the clock starts ("torch").
    """

    name: str
    title: str
    entry: str
    points: int
    cases: Callable[[np.random.Generator], list[Case]]
    oracle: Callable[..., Any]
    compare: Comparison = field(default_factory=Close)
    limits: Limits = Limits()
    diagnoses: tuple[Diagnosis, ...] = ()
    across: Callable[[list[Case], list[Any]], str] | None = None
    preload: tuple[str, ...] = ()


def answers_like(name: str, says: str, wrong: Callable[..., Any], *, compare: Comparison | None = None) -> Diagnosis:
    """A diagnosis for answers that equal those of a known wrong function.

    Args:
        name: the mistake.
        says: what the learner reads.
        wrong: the mistaken function; called with a case's arguments.
        compare: how equal counts; close to six digits by default.

    Returns:
        A :class:`Diagnosis` that also asks that the wrong value differs from the right one.
    """
    compare = compare or Close(rtol=1e-6, atol=1e-9)
    remembered: dict[int, tuple[Case, Any]] = {}  # by id, with the case itself so that its id stays its own

    def mistaken_value(case: Case) -> Any:
        found = remembered.get(id(case))
        if found is None:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()  # learners are judged in several threads: what is returned is not looked up again
            found = remembered[id(case)] = (case, wrong(*case.args))
        return found[1]

    def recognises(attempt: Attempt) -> bool:
        if attempt.error or attempt.value is None or isinstance(attempt.case.expect, Raises):
            return False  # where an error is asked for, all answers without a check look alike
        mistaken = mistaken_value(attempt.case)
        return compare.explain(mistaken, attempt.value) == "" and compare.explain(attempt.expected, mistaken) != ""

    return Diagnosis(name, says, recognises)
