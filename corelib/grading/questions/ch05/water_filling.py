"""Where the power goes when only information counts: chapter 5, exercise 4."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman.water_filling import water_filling


def _oracle(g: np.ndarray, power: float) -> np.ndarray:
    return water_filling(torch.from_numpy(g.copy()), power).numpy()


def _cases(rng: np.random.Generator) -> list[Case]:
    hand = np.array([10.0, 2.0, 0.5])
    mixed = rng.permutation(np.exp(rng.uniform(-2, 3, size=9)))
    needed = np.sort(1 / mixed)
    # Budgets between those at which another mode gets wet, so that a known number of modes is under water.
    budgets = [float((needed[m] - needed[:m]).sum()) for m in range(9)]
    twins = rng.permutation(np.repeat(rng.uniform(0.5, 4.0, size=3), 2))
    deep = np.array([0.02, 5.0, 1.0, 0.6, 0.03]) * rng.uniform(0.9, 1.1)
    return [
        Case("the example by hand", (hand, 1.0)),
        Case("the same gains, a smaller budget: one mode alone", (hand, 0.3)),
        Case("the same gains, a large budget: all modes", (hand, 5.0)),
        Case("nine modes in mixed order, three of them under water", (mixed, (budgets[2] + budgets[3]) / 2)),
        Case("nine modes, six of them under water", (mixed, (budgets[5] + budgets[6]) / 2)),
        Case("nine modes, power for all of them", (mixed, 2 * budgets[8])),
        Case("a budget that just reaches the third mode", (mixed, budgets[2])),
        Case("pairs of equal gains", (twins, float(rng.uniform(0.1, 0.4)))),
        Case("two modes far too weak, listed among strong ones", (deep, float(rng.uniform(0.5, 3.0)))),
        Case("one mode", (rng.uniform(0.1, 9.0, size=1), float(rng.uniform(0.1, 9.0)))),
        Case("gains that are all the same", (np.full(6, 0.7), 2.0)),
        Case("a gain of 0", (np.array([1.0, 0.0, 2.0]), 1.0), Raises("ValueError", ("g",))),
        Case("a budget of 0", (hand, 0.0), Raises("ValueError", ("power",))),
    ]


def _level_of_all(g: np.ndarray, power: float) -> np.ndarray:
    return np.maximum(0.0, (power + (1 / g).sum()) / len(g) - 1 / g)


def _one_round(g: np.ndarray, power: float) -> np.ndarray:
    wet = _level_of_all(g, power) > 0
    level = (power + (1 / g[wet]).sum()) / wet.sum()
    return np.where(wet, np.maximum(0.0, level - 1 / g), 0.0)


def _in_order_given(g: np.ndarray, power: float) -> np.ndarray:
    levels = (power + np.cumsum(1 / g)) / np.arange(1, len(g) + 1)
    return np.maximum(0.0, levels[levels > 1 / g][-1] - 1 / g)


def _ground_of_gains(g: np.ndarray, power: float) -> np.ndarray:
    return _oracle(1 / g, power)


def _equal_among_wet(g: np.ndarray, power: float) -> np.ndarray:
    wet = _oracle(g, power) > 0
    return power * wet / wet.sum()


def _by_half_gain(g: np.ndarray, power: float) -> np.ndarray:
    return _oracle(g / 2, power)


def _scaled(rule: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda g, power: power * rule(g) / rule(g).sum()


def _misses_budget(attempt: Attempt) -> bool:
    value = attempt.value
    return (
        not isinstance(attempt.case.expect, Raises)
        and isinstance(value, np.ndarray)
        and value.shape == attempt.expected.shape
        and bool((value >= 0).all())
        and abs(value.sum() / attempt.case.args[1] - 1) > 1e-9
    )


QUESTION = Question(
    name="ch05.water_filling",
    title="Fill the tank",
    entry="water_filling",
    points=2,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "clip_and_rescale",
            "You took the level at which all modes are under water, cut the negative powers off and rescaled the rest."
            " Those that stay wet then have different levels, p_i + 1/g_i. Drop the driest mode instead, and compute"
            " the level again from the others.",
            lambda g, power: power * _level_of_all(g, power) / _level_of_all(g, power).sum(),
        ),
        answers_as(
            "one_round",
            "You dropped the modes that came out negative and computed the level once more. The new level is lower and"
            " may leave further modes dry: go on until none is negative.",
            _one_round,
        ),
        answers_as(
            "clipped_only",
            "You cut the negative powers off and kept the level. What the others hold is then more than the budget."
            " The level comes from the wet modes alone.",
            _level_of_all,
        ),
        answers_as(
            "proportional_to_gain",
            "You shared the power in proportion to the gains. Equal slopes g_i/(2(1 + g_i p_i)) = mu ask for equal"
            " levels p_i + 1/g_i, which is steeper: weak modes get nothing.",
            _scaled(lambda g: g),
        ),
        answers_as(
            "proportional_to_ground",
            "You gave most to the weakest modes, in proportion to 1/g. High ground stays dry.",
            _scaled(lambda g: 1 / g),
        ),
        answers_as(
            "uniform",
            "You gave every mode the same. That carries most only if the gains are equal.",
            lambda g, power: np.full(len(g), power / len(g)),
        ),
        answers_as(
            "equal_among_wet",
            "You found the right modes and gave each the same. Level means p_i + 1/g_i is the same, so a stronger mode"
            " holds more.",
            _equal_among_wet,
        ),
        answers_as(
            "winner_takes_all",
            "You gave everything to the strongest mode. Its slope falls as it fills; once it is down to half the next"
            " gain, the next mode is worth more.",
            lambda g, power: power * (np.arange(len(g)) == np.argmax(g)).astype(float),
        ),
        answers_as(
            "ground_is_gain",
            "You poured over a ground of height g_i. It is 1/g_i: strong modes are the low places.",
            _ground_of_gains,
        ),
        answers_as(
            "half_gain",
            "Your ground is 2/g_i. The ½ in front of the logarithm scales all slopes alike and does not move the"
            " water: the ground is 1/g_i.",
            _by_half_gain,
        ),
        answers_as(
            "in_order_given",
            "You took the modes in the order in which they were listed. The first m under water have to be the m"
            " lowest: sort by 1/g first.",
            _in_order_given,
        ),
        answers_as(
            "sorted",
            "Your powers are right and sorted, and so stand beside the wrong gains. Apply max(0, level - 1/g) to g as"
            " it was given.",
            lambda g, power: np.sort(_oracle(g, power))[::-1],
            lambda g, power: np.sort(_oracle(g, power)),
        ),
        Diagnosis(
            "budget_missed",
            "Your powers do not sum to the budget, to nine digits. If you search for the level, search on until they"
            " do; the level has a closed form, too.",
            _misses_budget,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names g unless all gains are above 0, and one that names power"
            " unless it is above 0.",
            lambda attempt: accepts("g")(attempt) or accepts("power")(attempt),
        ),
    ),
)
