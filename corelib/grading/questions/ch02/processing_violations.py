"""Layers that seem to know more about the label than the layers they are made of: chapter 2, exercise 6."""

import math
from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Exact, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information.phases import processing_violations

#: I(L;Y) of the five layers of the chapter's digits network at the end of training, nats.
RECORDED = np.array([1.55, 1.78, 1.98, 2.07, 2.13])


def _cases(rng: np.random.Generator) -> list[Case]:
    falling = np.sort(rng.uniform(0.5, 2.3, 6))[::-1].copy()
    creeping = 1.2 + 0.06 * np.arange(7) + 0.005 * rng.random(7)
    with_nan = falling.copy()
    with_nan[int(rng.integers(1, 6))] = math.nan
    n = int(rng.integers(8, 13))
    # With errors of 0.1 a rise must exceed 0.283; 0.17 is above one standard error, 0.25 above two of one layer.
    graded = np.array([1.0, 1.05, 1.17, 1.25, 1.35, 1.5]) + float(rng.uniform(-0.5, 0.5))
    return [
        Case("the example by hand", (np.array([1.0, 1.2, 0.9, 1.35]), np.array([0.05, 0.05, 0.05, 0.2]))),
        Case("recorded: the five layers of the digits network", (RECORDED, np.full(5, 0.03))),
        Case("recorded, with larger errors", (RECORDED, np.full(5, 0.08))),
        Case("layers that lose, as they must", (falling, np.full(6, 0.02))),
        Case("a slow rise that no single step shows", (creeping, np.full(7, 0.03))),
        Case("a dip, and a layer that comes back", (np.array([2.0, 1.5, 1.9, 2.02]), np.full(4, 0.05))),
        Case(f"{n} layers with errors of their own", (rng.uniform(1, 1.8, n), rng.uniform(0.01, 0.2, n))),
        Case("thirty layers", (1.5 + 0.1 * rng.normal(size=30), rng.uniform(0.0, 0.1, 30))),
        Case("rises of every size, and equal errors", (graded, np.full(6, 0.1))),
        Case(
            "the smallest value is the least certain",
            (np.array([1.3, 1.0, 1.25, 1.6]), np.array([0.05, 0.5, 0.05, 0.05])),
        ),
        Case("exact values that rise", (np.array([0.5, 0.5, 0.75]), np.zeros(3))),
        Case("one layer", (np.array([1.0]), np.array([0.1]))),
        Case("a NaN", (with_nan, np.full(6, 0.02)), Raises("ValueError", ("iyt",))),
        Case("an error too few", (falling, np.full(5, 0.02)), Raises("ValueError", ("stderr",))),
    ]


def _flagged(*, errors: float = 2.0, total: Callable = np.hypot, earlier: Callable = lambda i: range(i)) -> Callable:
    """The rule with another margin, or compared with other layers."""

    def wrong(iyt: np.ndarray, stderr: np.ndarray) -> list[int]:
        def exceeds(later: int, before: int) -> bool:
            return bool(iyt[later] - iyt[before] > errors * total(stderr[later], stderr[before]))

        return [i for i in range(len(iyt)) if any(exceeds(i, j) for j in earlier(i))]

    return wrong


def _falls(iyt: np.ndarray, stderr: np.ndarray) -> list[int]:
    return processing_violations(-iyt, stderr)


def _earlier_ones(iyt: np.ndarray, stderr: np.ndarray) -> list[int]:
    excess = iyt[None] - iyt[:, None] - 2 * np.hypot(stderr[None], stderr[:, None])
    return np.flatnonzero((np.triu(excess, 1) > 0).any(1)).tolist()


def _least_earlier(iyt: np.ndarray, stderr: np.ndarray) -> list[int]:
    return _flagged(earlier=lambda i: [int(np.argmin(iyt[:i]))] if i else [])(iyt, stderr)


def _from_one(iyt: np.ndarray, stderr: np.ndarray) -> list[int]:
    return [i + 1 for i in processing_violations(iyt, stderr)]


def _is_mask(attempt: Attempt) -> bool:
    value = attempt.value
    return len(value) == len(attempt.case.args[0]) and all(isinstance(part, bool | np.bool_) for part in list(value))


QUESTION = Question(
    name="ch02.processing_violations",
    title="Which layers know more than they can",
    entry="processing_violations",
    points=2,
    cases=_cases,
    oracle=processing_violations,
    compare=Exact(),
    diagnoses=(
        answers_as(
            "neighbours_only",
            "You compared each layer with the one before it. A slow rise hides in its steps: compare with every earlier"
            " layer, since each of them is processed further into this one.",
            _flagged(earlier=lambda i: range(max(0, i - 1), i)),
        ),
        answers_as(
            "first_layer_only",
            "You compared with the first layer only. A layer that knows more than any earlier one breaks the order.",
            _flagged(earlier=lambda i: range(min(1, i))),
        ),
        answers_as(
            "least_earlier_only",
            "You compared with the earlier layer of the smallest value. If that value is very uncertain, another one"
            " may convict: compare with each.",
            _least_earlier,
        ),
        answers_as(
            "no_margin",
            "You flagged every rise. Estimates scatter: a rise counts when it exceeds two standard errors of the"
            " difference.",
            _flagged(errors=0.0),
        ),
        answers_as(
            "one_standard_error",
            "You used one standard error. Chance makes such a difference every third time: take two.",
            _flagged(errors=1.0),
        ),
        answers_as(
            "errors_added",
            "You added the two standard errors. Errors of independent numbers add as squares: √(a² + b²).",
            _flagged(total=np.add),
        ),
        answers_as(
            "own_error_only",
            "You used the error of the later layer only. The earlier value is uncertain too: √(a² + b²).",
            _flagged(total=lambda later, before: later),
        ),
        answers_as(
            "falls_flagged",
            "You flagged layers that know less than an earlier one. Losing information is what layers may do; gaining"
            " it is what they cannot.",
            _falls,
        ),
        answers_as(
            "earlier_flagged",
            "You named the earlier layer of each pair. The one that seems to know too much is the later one.",
            _earlier_ones,
        ),
        answers_as("counted_from_one", "Count layers from 0, as Python does.", _from_one),
        Diagnosis(
            "mask",
            "You returned True or False for each layer. Return the indices of those that are flagged, a list of int.",
            _is_mask,
        ),
        Diagnosis(
            "no_checks",
            "NaN is greater than nothing and so passes unseen, and each layer needs an error of its own: raise a"
            " ValueError that names iyt, or stderr.",
            lambda attempt: accepts("iyt")(attempt) or accepts("stderr")(attempt),
        ),
    ),
)
