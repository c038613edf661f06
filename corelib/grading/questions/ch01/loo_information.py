"""I(X;Z) of a stochastic encoder, every code compared with the others: chapter 1, exercise 1."""

import math

import numpy as np
import torch

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch01 import _codes
from corelib.information import encoder_information


def _oracle(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    return encoder_information(_codes.as_codes(mean, std), "loo", z=torch.from_numpy(z)).item()


def _cases(rng: np.random.Generator) -> list[Case]:
    z, mean, std = _codes.draw(rng, (2, 2), 1.0, 0.5, 1.0)
    return [
        *_codes.hard_codes(rng),
        Case("two inputs: the crowd is one code", (z, mean, std)),
        Case("a single input has no crowd", (z[:1], mean[:1], std[:1]), Raises("ValueError", ("z",))),
    ]


def _alone(log_p: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(log_p), dtype=bool), -np.inf, log_p)


def _own_less(others: np.ndarray, log_p: np.ndarray, axis: int = 1) -> float:
    """Mean of own less the log of the sum over others, which are n - 1."""
    n = len(log_p)
    return float((np.diagonal(log_p) - _codes.log_mean_exp(others, axis) - math.log(n / (n - 1))).mean())


def _zero_for_masked(log_p: np.ndarray) -> float:
    return _own_less(np.where(np.eye(len(log_p), dtype=bool), 0.0, log_p), log_p)


def _clipped(log_p: np.ndarray) -> float:
    return min(_codes.loo(log_p), math.log(len(log_p)))


QUESTION = Question(
    name="ch01.loo_information",
    title="The crowd without oneself",
    entry="loo_information",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_codes.TOLERANCE,
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "self_term_left_in",
            "Your crowd still holds the code itself. Leave out j = i: the diagonal of the matrix must count as density"
            " 0, whose logarithm is minus infinity.",
            _codes.with_estimate(_codes.mc),
            _codes.with_estimate(lambda log_p: _own_less(log_p, log_p)),
        ),
        answers_as(
            "n_for_n_minus_one",
            "You divided the sum over N − 1 others by N. The value is too large by ln(N / (N − 1)): divide by as many"
            " as there are in the sum.",
            _codes.with_estimate(lambda log_p: _codes.loo(log_p) + math.log(len(log_p) / (len(log_p) - 1))),
        ),
        answers_as(
            "no_ln_n",
            "You summed over the crowd where the formula averages: ln(N − 1) is missing.",
            _codes.with_estimate(lambda log_p: _codes.loo(log_p) - math.log(len(log_p) - 1)),
        ),
        answers_as(
            "zero_for_masked",
            "You put 0 on the diagonal of the logarithms. That is a density of exp 0 = 1, and it is added to the"
            " crowd. To leave a code out, its logarithm has to be −np.inf, or its density 0.",
            _codes.with_estimate(_zero_for_masked),
        ),
        answers_as(
            "clipped",
            "You cut the value off at ln N. This estimator has no ceiling: it lies above the truth on average, and far"
            " above it for codes that hardly overlap. Return it as it comes.",
            _codes.with_estimate(_clipped),
        ),
        *_codes.unit_mistakes(_codes.loo),
        *_codes.density_mistakes(_codes.loo),
        _codes.no_normaliser(_codes.loo),
        answers_as(
            "query_axis",
            "You averaged the densities over the draws z_i under one code. The crowd of z_i is the other codes j: in a"
            " matrix with ln p(z_i | x_j) in row i, column j, average along the row.",
            _codes.with_estimate(lambda log_p: _own_less(_alone(log_p), log_p, axis=0)),
        ),
        answers_as(
            "mean_of_logs",
            "You averaged logarithms over the others. The crowd's density is the mean of the densities: average first,"
            " then take the logarithm.",
            _codes.with_estimate(lambda log_p: _codes.jensen(log_p) * len(log_p) / (len(log_p) - 1)),
        ),
        _codes.underflow(),
        _codes.expansion(),
        Diagnosis(
            "no_checks",
            "With a single input there is nobody to compare it with: raise a ValueError that names z.",
            accepts("z"),
        ),
    ),
)
