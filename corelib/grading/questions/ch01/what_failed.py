"""What follows when a gap exceeds its bound, the theorem refuted or its assumption broken: chapter 1, exercise 4."""

import math
from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

NO_PROMISE, REFUTED, VACUOUS, HOLDS = "no promise", "refuted", "vacuous", "holds"


def _margin(n_sets: int, delta: float) -> float:
    return 3 * math.sqrt(delta * (1 - delta) / n_sets)


def _promised(learned: bool, prior: str) -> bool:
    return not learned or prior == "before"


def _broken(gaps: np.ndarray, bounds: np.ndarray, delta: float) -> bool:
    return bool((gaps > bounds).mean() > delta + _margin(len(gaps), delta))


def _verdicts(
    *,
    promised: Callable[[bool, str], bool] = _promised,
    broken: Callable[[np.ndarray, np.ndarray, float], bool] = _broken,
    unpromised: Callable[[bool, bool], str] = lambda is_broken, is_vacuous: NO_PROMISE,
    refuted: str = REFUTED,
    vacuous: Callable[[np.ndarray], bool] = lambda bounds: bool((bounds >= 1).all()),
) -> Callable[..., list[str]]:
    """The rule, right or with one of its parts exchanged."""

    def judge(gaps: np.ndarray, bounds: np.ndarray, learned: np.ndarray, prior: list[str], delta: float) -> list[str]:
        verdicts = []
        for gap, bound, is_learned, chosen in zip(gaps, bounds, learned, prior, strict=True):
            is_broken, is_vacuous = broken(gap, bound, delta), vacuous(bound)
            if not promised(bool(is_learned), chosen):
                verdicts.append(unpromised(is_broken, is_vacuous))
            else:
                verdicts.append(refuted if is_broken else VACUOUS if is_vacuous else HOLDS)
        return verdicts

    return judge


_oracle = _verdicts()


def _pooled(gaps: np.ndarray, bounds: np.ndarray, learned: np.ndarray, prior: list[str], delta: float) -> list[str]:
    share, limit = (gaps > bounds).mean(), delta + _margin(gaps.shape[1], delta)
    return _verdicts(broken=lambda *_: bool(share > limit))(gaps, bounds, learned, prior, delta)


# What a study may be: is the encoder learned, when was the prior chosen, the least bound, and the share of training
# sets that break it as a number of standard errors above delta; None for none at all, infinity for all.
_STUDIES = (
    (False, "none", 0.3, None),
    (False, "none", 0.3, 0.0),
    (False, "none", 0.3, 2.0),
    (False, "none", 0.3, 5.0),
    (False, "none", 1.1, None),
    (True, "none", 0.3, math.inf),
    (True, "none", 0.3, None),
    (True, "none", 1.1, None),
    (True, "after", 0.3, None),
    (True, "after", 0.3, 5.0),
    (True, "before", 6.0, None),
    (True, "before", 0.5, None),
    (True, "before", 0.5, 2.0),
    (True, "before", 0.5, 5.0),
)


def _study(rng: np.random.Generator, n_sets: int, delta: float, least: float, errors: float | None) -> tuple:
    bounds = least + rng.uniform(0, 0.2, n_sets)
    gaps = np.minimum(bounds, 1.0) * rng.uniform(0.2, 0.9, n_sets)
    if errors is None:
        n_broken = 0
    elif math.isinf(errors):
        n_broken = n_sets
    else:
        n_broken = math.floor(n_sets * (delta + errors * _margin(n_sets, delta) / 3))
    broken = rng.permutation(n_sets)[:n_broken]
    gaps[broken] = bounds[broken] + rng.uniform(0.01, 0.2, n_broken)
    return gaps, bounds


def _case(rng: np.random.Generator, label: str, which: np.ndarray, n_sets: int, delta: float) -> Case:
    studies = [_STUDIES[i] for i in which]
    gaps, bounds = map(np.stack, zip(*(_study(rng, n_sets, delta, *study[2:]) for study in studies), strict=True))
    learned, prior = np.array([study[0] for study in studies]), [study[1] for study in studies]
    return Case(label, (gaps, bounds, learned, prior, delta))


def _cases(rng: np.random.Generator) -> list[Case]:
    everything, fixed = rng.permutation(len(_STUDIES)), np.arange(5)
    by_hand = np.full((4, 100), 0.2)
    by_hand[0, :15], by_hand[1:, :30] = 0.5, 0.5
    hand_bounds = np.full((4, 100), 0.3)
    hand_bounds[3] = 2.0
    hand = (by_hand, hand_bounds, np.array([False, False, True, True]), ["none", "none", "none", "before"], 0.1)
    mixed = _case(rng, "every kind of study", everything, 400, 0.05)
    equal = np.tile(rng.uniform(0.1, 0.9, 200), (2, 1))
    partly = np.tile(rng.permutation(np.append(np.full(150, 1.2), np.full(50, 0.7))), (2, 1))
    one_prior = [*mixed.args[3][:-1], "never"]
    return [
        Case("the example by hand", hand),
        mixed,
        _case(rng, "fixed encoders only", rng.permutation(fixed), 300, 0.1),
        _case(rng, "learned encoders only", rng.permutation(np.arange(5, len(_STUDIES))), 1000, 0.01),
        _case(rng, "a table of the training set, with and without a price", np.array([5, 10, 8]), 200, 0.05),
        Case("gaps that equal their bounds", (equal, equal.copy(), np.array([False, True]), ["none", "before"], 0.05)),
        Case(
            "bounds above 1 in some training sets and below in others",
            (0.5 * partly, partly, np.array([False, True]), ["none", "before"], 0.05),
        ),
        Case("a prior that is none of the three", (*mixed.args[:3], one_prior, 0.05), Raises("ValueError", ("prior",))),
    ]


QUESTION = Question(
    name="ch01.what_failed",
    title="The theorem or its assumption?",
    entry="what_failed",
    points=2,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "theorem_blamed",
            "You call the theorem refuted by an encoder that was made from the training set and not paid for. It speaks"
            " of encoders fixed beforehand; here its assumption is broken, and it promised nothing.",
            _verdicts(promised=lambda learned, prior: True),
            _verdicts(unpromised=lambda broken, vacuous: REFUTED if broken else NO_PROMISE),
            _verdicts(unpromised=lambda broken, vacuous: REFUTED),
        ),
        answers_as(
            "luck_for_promise",
            "Where an unpaid encoder stays below its bound you call the bound good. Nobody promised that it would:"
            " look at the assumption first, then at the numbers.",
            _verdicts(unpromised=lambda broken, vacuous: NO_PROMISE if broken else VACUOUS if vacuous else HOLDS),
            _verdicts(unpromised=lambda broken, vacuous: NO_PROMISE if broken else HOLDS),
        ),
        answers_as(
            "paid_afterwards",
            "You accept a prior that was chosen after the training set was seen. Such a prior can give the table it"
            " knows already probability 1, and the price is gone. Only one chosen before counts.",
            _verdicts(promised=lambda learned, prior: not learned or prior != "none"),
        ),
        answers_as(
            "price_not_accepted",
            "You refuse every learned encoder. With a prior fixed before the training set, and its price in the bound,"
            " the promise holds for it as well.",
            _verdicts(promised=lambda learned, prior: not learned),
        ),
        answers_as(
            "fixed_needs_no_prior",
            "You ask for a prior where the encoder was fixed beforehand. It has nothing to pay for.",
            _verdicts(promised=lambda learned, prior: prior == "before"),
        ),
        answers_as(
            "first_break",
            "You call the theorem refuted by a single gap above its bound. It allows for that in a share δ of the"
            " training sets.",
            _verdicts(broken=lambda gaps, bounds, delta: bool((gaps > bounds).any())),
        ),
        answers_as(
            "no_margin",
            "You compare the share of broken bounds with δ itself. Of D training sets a true theorem shows δ, give or"
            " take √(δ(1−δ)/D): allow three of these.",
            _verdicts(broken=lambda gaps, bounds, delta: bool((gaps > bounds).mean() > delta)),
        ),
        answers_as(
            "pooled",
            "You judged all studies by one share of broken bounds. Each study has a share of its own: average over its"
            " training sets, axis 1, and not over all.",
            _pooled,
        ),
        answers_as(
            "means_compared",
            "You compare mean gap and mean bound. The promise is about each training set: count those that break it.",
            _verdicts(broken=lambda gaps, bounds, delta: bool(gaps.mean() > bounds.mean())),
        ),
        answers_as(
            "vacuous_praised",
            "You say of a bound of 1 or more that it holds. An error rate cannot exceed 1 anyway: it is true and says"
            " nothing.",
            _verdicts(vacuous=lambda bounds: False),
        ),
        answers_as(
            "one_vacuous_bound",
            "You call a study vacuous for some bounds of 1 or more. In the other training sets the bound does say"
            " something: ask that all of them are.",
            _verdicts(vacuous=lambda bounds: bool((bounds >= 1).any())),
            _verdicts(vacuous=lambda bounds: bool(bounds.mean() >= 1)),
            _verdicts(vacuous=lambda bounds: bool(np.median(bounds) >= 1)),
        ),
        answers_as(
            "equality_counted",
            "A gap that equals its bound does not break it. Count gap > bound.",
            _verdicts(
                broken=lambda gaps, bounds, delta: bool((gaps >= bounds).mean() > delta + _margin(len(gaps), delta))
            ),
        ),
        Diagnosis(
            "no_checks",
            "A word that is none of the three passes as a prior. Raise a ValueError that names prior.",
            accepts("prior"),
        ),
    ),
)
