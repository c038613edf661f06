"""Where the power goes when spread is rewarded as well: chapter 5, exercise 4."""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import brentq

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman.water_filling import entropic_water_filling, water_filling

# A logarithm of a share is an error in mu divided by gamma, 1e-12 / 1e-3 with scipy's root finder; powers of 1e-160 are
# compared by their digits, and so no absolute error is granted.
_TOLERANCE = Close(rtol=1e-6, atol=1e-300)


def _oracle(g: np.ndarray, power: float, gamma: float) -> np.ndarray:
    return entropic_water_filling(torch.from_numpy(g.copy()), power, gamma).numpy()


def _plain(g: np.ndarray, power: float) -> np.ndarray:
    return water_filling(torch.from_numpy(g.copy()), power).numpy()


def _cases(rng: np.random.Generator) -> list[Case]:
    hand, pair = np.array([10.0, 2.0, 0.5]), np.array([4.0, 1.0])
    mixed = rng.permutation(np.exp(rng.uniform(-1, 2.5, size=6)))
    gamma, power = float(rng.uniform(0.05, 0.3)), float(rng.uniform(2.0, 4.0))
    return [
        Case("the example by hand: two modes", (pair, 1.0, 0.1 / math.log(3))),
        Case("three modes, gamma 0.1", (hand, 1.0, 0.1)),
        Case("three modes, gamma 0.5", (hand, 1.0, 0.5)),
        Case("gamma 5: almost equal shares", (hand, 1.0, 5.0)),
        Case("gamma 0.001: the weakest mode holds less than 1e-160", (hand, 1.0, 0.001)),
        Case("six modes in mixed order, a budget other than 1", (mixed, power, gamma)),
        Case("a small budget", (mixed, 0.05 * power, gamma)),
        Case("large gains and gamma 0.002", (rng.uniform(200.0, 900.0, size=4), power, 0.002)),
        Case("one mode", (rng.uniform(0.5, 4.0, size=1), power, gamma)),
        Case("gains that are all the same", (np.full(5, 0.7), 2.0, gamma)),
        Case("gamma below 0", (hand, 1.0, -0.1), Raises("ValueError", ("gamma",))),
        Case("gamma of 0", (hand, 1.0, 0.0), Raises("ValueError", ("gamma",))),
    ]


# Slope of a mode's information by its power, from its gain and power.
Slope = Callable[[float, float], float]


def _half(gain: float, power: float) -> float:
    return 0.5 * gain / (1 + gain * power)


def _solve(g: np.ndarray, power: float, pull: float, slope: Slope = _half) -> np.ndarray:
    """Powers with slope(g_i, p_i) - pull (ln(p_i / P) + 1) equal for all modes."""

    def log_share(gain: float, mu: float) -> float:
        return brentq(lambda s: slope(gain, power * math.exp(s)) - pull * (s + 1) - mu, -2 - mu / pull, 2.0, rtol=1e-15)

    def log_shares(mu: float) -> np.ndarray:
        return np.array([log_share(gain, mu) for gain in g])

    best, d = g.max(), len(g)
    low, high = slope(best, power) - 2 * pull, slope(best, power / d) + pull * math.log(d)
    mu = brentq(lambda mu: math.log(np.exp(log_shares(mu)).sum()), low, high, rtol=1e-15)
    shares = np.exp(log_shares(mu))
    return power * shares / shares.sum()


def _pulled(pull: Callable[[float, float], float], slope: Slope = _half) -> Callable[..., np.ndarray]:
    return lambda g, power, gamma: _solve(g, power, pull(gamma, power), slope)


def _floored(floor: Callable[[float, float, int], float], rescale: bool) -> Callable[..., np.ndarray]:
    def wrong(g: np.ndarray, power: float, gamma: float) -> np.ndarray:
        p = _plain(g, power) + floor(power, gamma, len(g))
        return power * p / p.sum() if rescale else p

    return wrong


def _softmax(g: np.ndarray, power: float, gamma: float) -> np.ndarray:
    logits = g * power / (2 * gamma)
    shares = np.exp(logits - logits.max())
    return power * shares / shares.sum()


def _values(attempt: Attempt) -> np.ndarray | None:
    value = attempt.value
    usable = (
        not attempt.error
        and not isinstance(attempt.case.expect, Raises)
        and isinstance(value, np.ndarray)
        and value.shape == attempt.expected.shape
    )
    return value if usable else None


def _dried_out(attempt: Attempt) -> bool:
    """Strong modes are right; one that holds next to nothing is not, in its own digits."""
    value, right = _values(attempt), attempt.expected
    if value is None or not np.isfinite(value).all():
        return False
    wrong = np.abs(value - right) > 1e-6 * right
    return bool((np.abs(value - right) <= 1e-6 * right.sum()).all() and (right[wrong] < 1e-4 * right.sum()).all())


def _overflows(attempt: Attempt) -> bool:
    value = _values(attempt)
    return attempt.error in ("OverflowError", "FloatingPointError") or (
        value is not None and not np.isfinite(value).all()
    )


def _misses_budget(attempt: Attempt) -> bool:
    value = _values(attempt)
    return value is not None and bool((value > 0).all()) and abs(value.sum() / attempt.case.args[1] - 1) > 1e-6


QUESTION = Question(
    name="ch05.entropic_water_filling",
    title="Keep every mode wet",
    entry="entropic_water_filling",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    preload=("scipy.optimize",),
    diagnoses=(
        answers_as(
            "constant_floor",
            "You poured plain water and laid a constant on top. The entropy does not give all weak modes the same: how"
            " much one gets falls exponentially with what it lacks in slope. Solve the stationarity condition.",
            *(
                _floored(floor, rescale)
                for rescale in (True, False)
                for floor in (
                    lambda power, gamma, d: gamma,
                    lambda power, gamma, d: gamma / d,
                    lambda power, gamma, d: gamma * power,
                    lambda power, gamma, d: gamma * power / d,
                )
            ),
        ),
        answers_as(
            "plain_water",
            "That is water-filling without the entropy. Its slope, -(gamma/P)(ln(p_i/P) + 1), grows without bound as"
            " p_i goes to 0: no mode stays dry.",
            lambda g, power, gamma: _plain(g, power),
        ),
        answers_as(
            "uniform",
            "You gave every mode the same. That is the limit of a very large gamma.",
            lambda g, power, gamma: np.full(len(g), power / len(g)),
        ),
        answers_as(
            "power_forgotten",
            "Your entropy pulls with gamma where it pulls with gamma/P: S is a function of the shares p_i/P, and the"
            " inner derivative is 1/P.",
            _pulled(lambda gamma, power: gamma),
        ),
        answers_as(
            "budget_of_one",
            "You solved for shares with the gains as they are. A share q_i stands for the power P q_i: the gain of a"
            " share is P g_i.",
            lambda g, power, gamma: power * _solve(g, 1.0, gamma),
        ),
        answers_as(
            "half_lost",
            "The ½ of the information is missing: the slope is g/(2(1 + g p)). Here it matters, as it is weighed"
            " against the entropy.",
            _pulled(lambda gamma, power: gamma / power, lambda gain, power: 2 * _half(gain, power)),
        ),
        answers_as(
            "bits",
            "Your entropy is in bits. The information is in nats, and so the entropy has to be: np.log.",
            _pulled(lambda gamma, power: gamma / (power * math.log(2))),
        ),
        answers_as(
            "slope_at_zero",
            "You took the slope of an empty mode, g/2, which makes the shares a softmax. It falls as the mode fills:"
            " g/(2(1 + g p)), with p in it.",
            _softmax,
        ),
        answers_as(
            "sorted",
            "Your powers are sorted, and so stand beside the wrong gains. Return them in the order of g.",
            lambda *arguments: np.sort(_oracle(*arguments)),
            lambda *arguments: np.sort(_oracle(*arguments))[::-1],
        ),
        Diagnosis(
            "no_bracket",
            "Your root finder saw no change of sign. Check the minus before the entropy's slope: with it, the whole"
            " slope falls in s. Then check both ends of each bracket; the hint has safe ones.",
            lambda attempt: attempt.error == "ValueError" and not isinstance(attempt.case.expect, Raises),
        ),
        Diagnosis(
            "overflow",
            "Somewhere an exponential leaves float64, as (slope - mu)/gamma is hundreds for a small gamma. Solve for"
            " s_i = ln(p_i/P) within a bracket, and only then take exp(s_i): it never exceeds 1.",
            _overflows,
        ),
        Diagnosis(
            "not_in_the_log",
            "Your strong modes are right; a very weak one is not. At gamma = 0.001 it may hold less than 1e-160, and no"
            " step along p itself gets there. Search for s_i = ln(p_i/P) instead.",
            _dried_out,
        ),
        Diagnosis(
            "budget_missed",
            "Your powers do not sum to the budget. mu is what makes them: solve for it.",
            _misses_budget,
        ),
        Diagnosis(
            "no_checks",
            "A gamma that is 0 or below passes. Raise a ValueError that names gamma: the entropy is rewarded, and its"
            " weight is positive.",
            accepts("gamma"),
        ),
    ),
)
