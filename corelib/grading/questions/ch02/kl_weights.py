"""Weights of several neighbours that cancel the leading bias (Berrett, Samworth and Yuan): chapter 2, exercise 3."""

from collections.abc import Callable

import numpy as np
from scipy.special import gamma, gammaln

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information import kl_weights

#: At d = 16 the system has a condition of 1e6: a stable solver is good to 1e-10 of the largest weight, hardly more.
_HARD = Close(rtol=1e-7, atol=1e-6)


def _cases(rng: np.random.Generator) -> list[Case]:
    k, d = int(rng.integers(6, 15)), int(rng.integers(5, 8))
    below, many = int(rng.integers(1, 4)), int(rng.integers(20, 40))
    return [
        Case("the example by hand, k = 3 and d = 4", (3, 4)),
        Case("k = 5, d = 4", (5, 4)),
        Case("k = 20, d = 4", (20, 4)),
        Case(f"k = {k}, d = {d}", (k, d)),
        Case("k = 20, d = 8: two terms to cancel", (20, 8)),
        Case("as many constraints as neighbours, k = 3 and d = 8", (3, 8)),
        Case(f"k = {many}, d = 11", (many, 11)),
        Case("k = 5, d = 16: weights in the thousands that sum to 1", (5, 16), _HARD),
        Case(f"k = {many}, d = 16", (many, 16), _HARD),
        Case(f"d = {below} is below 4, nothing to cancel", (int(rng.integers(4, 9)), below)),
        Case("k = 1, d = 3", (1, 3)),
        Case("four neighbours cannot meet five constraints, d = 16", (4, 16), Raises("ValueError", ("k",))),
        Case("one neighbour cannot meet two constraints, d = 4", (1, 4), Raises("ValueError", ("k",))),
    ]


def _rows(k: int, d: int, *, two: float = 2.0, terms: int | None = None, power: bool = False) -> np.ndarray:
    """The constraint matrix, a row of ones and one row a term."""
    j, order = np.arange(1, k + 1), two * np.arange((d // 4 if terms is None else terms) + 1)[:, None] / d
    return j**order if power else np.exp(gammaln(j + order) - gammaln(j))


def _least_norm(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1)
    return np.linalg.lstsq(rows / norms[:, None], np.eye(len(rows))[0] / norms[0], rcond=None)[0]


def _last(k: int) -> np.ndarray:
    return np.eye(k)[-1]


def _mistaken(rows: Callable[[int, int], np.ndarray]) -> Callable[[int, int], np.ndarray]:
    """Weights of least norm for another constraint matrix; below d = 4 the right ones."""
    return lambda k, d: _least_norm(rows(k, d)) if d >= 4 else _last(k)


def _first_neighbour(k: int, d: int) -> np.ndarray:
    return np.eye(k)[0] if d <= 4 else kl_weights(k, d)


def _last_up_to_four(k: int, d: int) -> np.ndarray:
    return _last(k) if d <= 4 else kl_weights(k, d)


def _first_below_four(k: int, d: int) -> np.ndarray:
    return np.eye(k)[0] if d < 4 else kl_weights(k, d)


def _mean_below_four(k: int, d: int) -> np.ndarray:
    return np.full(k, 1 / k) if d < 4 else kl_weights(k, d)


def _undivided(k: int, d: int) -> np.ndarray:
    return np.vstack([np.ones(k), gamma(np.arange(1, k + 1) + 2 * np.arange(1, d // 4 + 1)[:, None] / d)])


def _unscaled_side(k: int, d: int) -> np.ndarray:
    """Rows divided by their norms, and the right-hand side forgotten."""
    rows = _rows(k, d)
    return np.linalg.lstsq(rows / np.linalg.norm(rows, axis=1)[:, None], np.eye(len(rows))[0], rcond=None)[0]


def _is_not_least(attempt: Attempt) -> bool:
    """All constraints met, with a larger norm than need be."""
    k, d = attempt.case.args
    if attempt.error or attempt.expected is None or d < 4 or attempt.value.shape != (k,):
        return False
    rows, norm = _rows(k, d), np.linalg.norm(attempt.expected)
    residual = np.abs(rows @ attempt.value - np.eye(len(rows))[0]) / np.linalg.norm(rows, axis=1)
    return residual.max() < 1e-8 * norm and np.linalg.norm(attempt.value) > norm * (1 + 1e-3)


def _is_inaccurate(attempt: Attempt) -> bool:
    """Right but for rounding in the hard cases."""
    k, d = attempt.case.args
    if attempt.error or attempt.expected is None or d < 12 or attempt.value.shape != (k,):
        return False
    return np.abs(attempt.value - attempt.expected).max() < 1e-2 * np.linalg.norm(attempt.expected)


def _accepts_infeasible(attempt: Attempt) -> bool:
    return accepts("k")(attempt) or (isinstance(attempt.case.expect, Raises) and attempt.error == "LinAlgError")


QUESTION = Question(
    name="ch02.kl_weights",
    title="Weights that cancel the bias",
    entry="kl_weights",
    points=3,
    cases=_cases,
    oracle=kl_weights,
    compare=Close(rtol=1e-9, atol=1e-9),
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "missing_two",
            "Your exponents are l/d. The bias goes like distance squared, which is (j/N)^(2/d): the constraints have"
            " Γ(j + 2l/d).",
            _mistaken(lambda k, d: _rows(k, d, two=1.0)),
        ),
        answers_as(
            "one_constraint_short",
            "One constraint is missing: l runs from 1 to ⌊d/4⌋ and includes it. At d = 4 there is one term to cancel.",
            _mistaken(lambda k, d: _rows(k, d, terms=d // 4 - 1)),
            _last_up_to_four,
        ),
        answers_as(
            "one_constraint_too_many",
            "You cancel one term more than was asked for: l runs from 1 to ⌊d/4⌋, rounded down.",
            _mistaken(lambda k, d: _rows(k, d, terms=d // 4 + 1)),
            _mistaken(lambda k, d: _rows(k, d, terms=-(-d // 4))),
        ),
        answers_as(
            "first_below_four",
            "For d < 4 you put all weight on the first neighbour. It belongs on the k-th, whose distance scatters"
            " least: w = (0, …, 0, 1).",
            _first_below_four,
        ),
        answers_as(
            "first_neighbour_only",
            "At d = 4 you put all weight on the nearest neighbour, as the paper's own code does for d ≤ 4. d = 4 has"
            " one term to cancel, and it takes two neighbours or more.",
            _first_neighbour,
        ),
        answers_as(
            "power_for_gamma",
            "You have j^(2l/d), which Γ(j + 2l/d)/Γ(j) tends to for large j. The first neighbours matter most: keep the"
            " Γ functions.",
            _mistaken(lambda k, d: _rows(k, d, power=True)),
        ),
        answers_as(
            "no_denominator",
            "Your constraints are Σ w_j Γ(j + 2l/d) = 0. Each term is divided by Γ(j), which makes it the moment of a"
            " distance.",
            _mistaken(_undivided),
        ),
        answers_as(
            "sum_is_not_one",
            "You divided the rows by their norms and left the right-hand side as it was: the weights no longer sum"
            " to 1. The 1 in it belongs to the first row and is divided by that row's norm.",
            lambda k, d: _unscaled_side(k, d) if d >= 4 else _last(k),
        ),
        answers_as(
            "mean_below_four",
            "For d < 4 you spread the weight evenly, which is what least norm alone would do. The convention, that of"
            " Berrett's own program, is all weight on the k-th neighbour: w = (0, …, 0, 1).",
            _mean_below_four,
        ),
        answers_as(
            "reversed",
            "Your weights are right, in reverse: w_1 belongs to the nearest neighbour and comes first.",
            lambda k, d: kl_weights(k, d)[::-1].copy(),
        ),
        Diagnosis(
            "not_least_norm",
            "Your weights meet all constraints, but others that do are smaller: the variance of the estimate grows with"
            " Σ w_j². Of all solutions take the one of least norm; np.linalg.lstsq and pinv return that one.",
            _is_not_least,
        ),
        Diagnosis(
            "infeasible_accepted",
            "⌊d/4⌋ + 1 constraints need at least as many neighbours. With fewer, least squares meets none of them and"
            " says nothing: raise a ValueError that names k.",
            _accepts_infeasible,
        ),
        Diagnosis(
            "normal_equations",
            "Nearly right, and rounding did the rest: G Gᵀ squares the condition of the system, which at d = 16 is a"
            " million already. Let np.linalg.lstsq work on G itself.",
            _is_inaccurate,
        ),
    ),
)
