"""Shapes of mistakes that several questions share."""

from collections.abc import Callable
from typing import Any

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Diagnosis, answers_like


def answers_as(name: str, says: str, *wrongs: Callable[..., Any]) -> Diagnosis:
    """A diagnosis for values that equal those of one of several known wrong functions, to six digits.

    Args:
        name: the mistake.
        says: what the learner reads.
        wrongs: ways to make the same mistake; each is called with a case's arguments, and one that raises is skipped.

    Returns:
        A :class:`Diagnosis`.
    """
    parts = [answers_like(name, says, wrong) for wrong in wrongs]
    return Diagnosis(name, says, lambda attempt: any(_shows(part, attempt) for part in parts))


def accepts(mention: str) -> Callable[[Attempt], bool]:
    """Recognises an answer that returned a value where an error that mentions ``mention`` was asked for."""

    def recognises(attempt: Attempt) -> bool:
        wanted = attempt.case.expect
        return isinstance(wanted, Raises) and mention in wanted.mentions and not attempt.error

    return recognises


def _shows(part: Diagnosis, attempt: Attempt) -> bool:
    try:
        return part.recognises(attempt)
    except Exception:  # this way to go wrong has no value for these arguments; the next one may have
        return False
