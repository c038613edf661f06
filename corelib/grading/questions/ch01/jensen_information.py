"""I(X;Z) of a stochastic encoder by the crowd's mean log density: chapter 1, exercise 1."""

import numpy as np
import torch

from corelib.grading.question import Case, Question
from corelib.grading.questions._recognise import answers_as
from corelib.grading.questions.ch01 import _codes
from corelib.information import encoder_information


def _oracle(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    return encoder_information(_codes.as_codes(mean, std), "jensen", z=torch.from_numpy(z)).item()


def _cases(rng: np.random.Generator) -> list[Case]:
    return [*_codes.hard_codes(rng), Case("a single input", _codes.draw(rng, (1, 4), 1.0, 0.5, 1.0))]


def _closed_form(_z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    return encoder_information(_codes.as_codes(mean, std), "jensen_exact").item()


def _others_only(log_p: np.ndarray) -> float:
    n = len(log_p)
    return _codes.jensen(log_p) * n / (n - 1)


QUESTION = Question(
    name="ch01.jensen_information",
    title="The mean of logarithms",
    entry="jensen_information",
    points=1,
    cases=_cases,
    oracle=_oracle,
    compare=_codes.TOLERANCE,
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "log_of_mean",
            "You took the logarithm of the crowd's mean density, as in the first question. Here it is the mean of the"
            " logarithms.",
            _codes.with_estimate(_codes.mc),
        ),
        answers_as(
            "self_left_out",
            "You left j = i out of the mean. The crowd here is all N codes; without oneself the value is larger by"
            " N / (N − 1).",
            _codes.with_estimate(_others_only),
        ),
        answers_as(
            "closed_form",
            "This is the mean of pairwise KL divergences, what the estimate becomes on average over z. The question"
            " asks for its value at the z that are given.",
            _closed_form,
        ),
        answers_as(
            "sign_flipped",
            "You subtracted the own density from the crowd's. Information is own less crowd.",
            _codes.with_estimate(lambda log_p: -_codes.jensen(log_p)),
        ),
        answers_as(
            "capped",
            "You cut the value off at ln N. Only an estimate whose crowd holds the own density has that ceiling; this"
            " one is far above it for sharp codes, and the question asks for it as it comes.",
            _codes.with_estimate(lambda log_p: min(_codes.jensen(log_p), float(np.log(len(log_p))))),
        ),
        *_codes.unit_mistakes(_codes.jensen),
        *_codes.density_mistakes(_codes.jensen),
        _codes.underflow(),
        _codes.expansion(),
    ),
)
