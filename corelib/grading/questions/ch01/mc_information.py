"""I(X;Z) of a stochastic encoder, every code compared with a crowd it belongs to: chapter 1, exercise 1."""

import math

import numpy as np
import torch

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch01 import _codes
from corelib.information import encoder_information


def _oracle(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    return encoder_information(_codes.as_codes(mean, std), "mc", z=torch.from_numpy(z)).item()


def _cases(rng: np.random.Generator) -> list[Case]:
    z, mean, std = _codes.draw(rng, (6, 2), 1.0, 0.5, 1.0)
    bad = [std.copy() for _ in range(3)]
    for values, wrong in zip(bad, (0.0, -0.5, math.nan), strict=True):
        values[int(rng.integers(6)), 1] = wrong
    return [
        *_codes.hard_codes(rng),
        Case("a single input", (z[:1], mean[:1], std[:1])),
        Case("a standard deviation of 0", (z, mean, bad[0]), Raises("ValueError", ("std",))),
        Case("a negative standard deviation", (z, mean, bad[1]), Raises("ValueError", ("std",))),
        Case("a standard deviation that is NaN", (z, mean, bad[2]), Raises("ValueError", ("std",))),
        Case("one draw for six codes", (z[:1], mean, std), Raises("ValueError", ("z",))),
    ]


def _wrong_axis(log_p: np.ndarray) -> float:
    return (np.diagonal(log_p) - _codes.log_mean_exp(log_p, axis=0)).mean()


def _one_crowd(log_p: np.ndarray) -> float:
    return np.diagonal(log_p).mean() - _codes.log_mean_exp(log_p.reshape(1, -1))[0]


QUESTION = Question(
    name="ch01.mc_information",
    title="How far a code stands out of the crowd",
    entry="mc_information",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_codes.TOLERANCE,
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "no_ln_n",
            "You summed over the crowd where the formula averages: ln N is missing. With codes that do not overlap at"
            " all your value would be 0, and it should be the most there is, ln N.",
            _codes.with_estimate(lambda log_p: _codes.mc(log_p) - math.log(len(log_p))),
        ),
        *_codes.unit_mistakes(_codes.mc),
        *_codes.density_mistakes(_codes.mc),
        _codes.no_normaliser(_codes.mc),
        answers_as(
            "query_axis",
            "You averaged the densities over the draws z_i under one code. The crowd of z_i is all codes j: in a matrix"
            " with ln p(z_i | x_j) in row i, column j, average along the row.",
            _codes.with_estimate(_wrong_axis),
        ),
        answers_as(
            "self_left_out",
            "You left the own code out of the crowd. That is the estimator of the next question; this one counts it.",
            _codes.with_estimate(_codes.loo),
        ),
        answers_as(
            "mean_of_logs",
            "You averaged logarithms over the crowd. The crowd's density is the mean of the densities: average first,"
            " then take the logarithm.",
            _codes.with_estimate(_codes.jensen),
        ),
        answers_as(
            "one_crowd",
            "You took one logarithm of the mean over all pairs. Each z_i has a crowd density of its own: average its"
            " row, take the logarithm, then average the logarithms.",
            _codes.with_estimate(_one_crowd),
        ),
        _codes.underflow(),
        _codes.expansion(),
        Diagnosis(
            "no_checks",
            "Bad input passes without a word. Test it first: raise a ValueError that names std unless (std > 0).all(),"
            " which NaN fails, and one that names z unless the three shapes are the same.",
            lambda attempt: accepts("std")(attempt) or accepts("z")(attempt),
        ),
    ),
)
