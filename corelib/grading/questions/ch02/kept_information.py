"""What can be said of the information that is left after PCA: a range, not a number. Chapter 2, exercise 5."""

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

Range = tuple[np.ndarray, np.ndarray]


def _oracle(total: float, losses: np.ndarray) -> Range:
    # Chain rule: what is kept is total less what is lost. And the kept axes are a channel with a capacity of their own.
    return np.clip(total - losses, 0.0, None), np.clip(losses[0] - losses, None, total)


def _losses(rng: np.random.Generator, d: int, scale: float = 1.0) -> np.ndarray:
    return np.append(np.cumsum(np.sort(rng.exponential(scale, size=d)))[::-1], 0.0)


def _cases(rng: np.random.Generator) -> list[Case]:
    five = np.array([9.922106, 6.925126, 4.273473, 1.965913, 0.0])
    small, large = _losses(rng, 6), _losses(rng, 32, 4.0)
    dead = np.append(_losses(rng, 4), np.zeros(3))
    bad = Raises("ValueError", ("total",))
    return [
        Case("the example by hand", (2.0, np.array([3.0, 1.0, 0.0]))),
        Case("variances 4, 2, 1, 0.5, and 5 nats in all", (5.0, five)),
        Case("six axes", (float(rng.uniform(0.3, 0.8) * small[0]), small)),
        Case("32 axes with little noise: nothing is certified for long", (float(rng.uniform(3, 8)), large)),
        Case("a layer that is full: the bounds meet", (float(small[0]), small)),
        Case("axes without any signal", (float(0.5 * dead[0]), dead)),
        Case("a layer that knows nothing", (0.0, small)),
        Case("a single axis", (0.5, np.array([1.0, 0.0]))),
        Case("more information than the noise lets through", (float(1.1 * small[0]), small), bad),
        Case("negative information", (-0.5, small), bad),
    ]


def _equality(total: float, losses: np.ndarray) -> Range:
    return total - losses, total - losses


def _clipped_equality(total: float, losses: np.ndarray) -> Range:
    return _oracle(total, losses)[0], _oracle(total, losses)[0]


def _not_clipped(total: float, losses: np.ndarray) -> Range:
    return total - losses, _oracle(total, losses)[1]


def _no_capacity(total: float, losses: np.ndarray) -> Range:
    return _oracle(total, losses)[0], np.full(len(losses), total)


def _neither(total: float, losses: np.ndarray) -> Range:
    return total - losses, np.full(len(losses), total)


def _capacity_only(total: float, losses: np.ndarray) -> Range:
    return _oracle(total, losses)[0], losses[0] - losses


def _lost(total: float, losses: np.ndarray) -> Range:
    low, high = _oracle(total, losses)
    return total - high, total - low


def _nothing_certified(total: float, losses: np.ndarray) -> Range:
    return np.zeros(len(losses)), _oracle(total, losses)[1]


QUESTION = Question(
    name="ch02.kept_information",
    title="A bound is not a value",
    entry="kept_information",
    points=2,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "claims_equality",
            "You subtracted the bound and called the rest the value. At most that much is lost: total − loss is the"
            " lower end. The upper end is another one.",
            _equality,
            _clipped_equality,
        ),
        answers_as(
            "below_zero",
            "Your lower end falls below 0. Information is never negative, so that a bound on the loss above the total"
            " says nothing: the lower end is 0 there.",
            _not_clipped,
        ),
        answers_as(
            "no_capacity",
            "Your upper end is the total for every m, even for m = 0, where nothing is kept. The m kept axes let no"
            " more through than losses[0] − losses[m].",
            _no_capacity,
            _neither,
        ),
        answers_as(
            "capacity_only",
            "Your upper end exceeds the total. Compression adds nothing: what is kept is at most the total.",
            _capacity_only,
        ),
        answers_as(
            "lost_for_kept",
            "This is the range of what is lost. What is kept is the total minus that.",
            _lost,
        ),
        answers_as(
            "nothing_certified",
            "Your lower end is 0 throughout. Where the bound on the loss is below the total, something is certain to be"
            " left: total − loss.",
            _nothing_certified,
        ),
        answers_as(
            "swapped", "The two ends are in the wrong order: the lower one first.", lambda t, x: _oracle(t, x)[::-1]
        ),
        Diagnosis(
            "no_checks",
            "A noisy layer cannot hold more than losses[0], and no information is negative: such a total is a mistake"
            " of an estimator, or of units. Raise a ValueError that names total.",
            accepts("total"),
        ),
    ),
)
