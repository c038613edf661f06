"""Stochastic codes for the questions on them: cases that are hard, and densities with one mistake in them."""

import math
from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close
from corelib.grading.question import Attempt, Case, Diagnosis
from corelib.grading.questions._recognise import answers_as
from corelib.information.encoder import GaussianCodes

Codes = tuple[np.ndarray, np.ndarray, np.ndarray]
Estimate = Callable[[np.ndarray], float]

# Log densities of a few thousand nats at most, each good to 1e-12.
TOLERANCE = Close(rtol=1e-9, atol=1e-10)
FAR = 1e9  # an offset at which the expanded square rounds by thousands of nats, and a direct difference not at all
FAR_TOLERANCE = Close(rtol=1e-4, atol=1e-4)  # z / std - mean / std is good to about 1e-5 there
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def by_hand() -> Codes:
    """Three codes of one number with noise 0.5, at 0, 1 and 3."""
    mean = np.array([[0.0], [1.0], [3.0]])
    return mean + 0.5 * np.array([[0.2], [-1.0], [0.4]]), mean, np.full((3, 1), 0.5)


def draw(rng: np.random.Generator, shape: tuple[int, int], spread: float, least: float, most: float) -> Codes:
    """``(z, mean, std)`` with normal means of the given spread and deviations of their own between two values."""
    mean, std = spread * rng.normal(size=shape), rng.uniform(least, most, size=shape)
    return mean + std * rng.normal(size=shape), mean, std


def hard_codes(rng: np.random.Generator) -> list[Case]:
    """Cases that every estimator of I(X;Z) has to get right."""
    z, mean, std = draw(rng, (40, 3), 1.0, 0.3, 1.2)
    unit, shift = np.array([1e-4, 10.0, 1e5]), np.array([2.0, -30.0, 7e4])
    apart = 50.0 * rng.permutation(20)[:, None] * np.array([[1.0, -0.5]])
    alike, ones = np.full((16, 3), rng.normal()), np.ones((16, 3))
    far, noise = FAR + 0.1 * rng.normal(size=(30, 2)), rng.uniform(0.05, 0.2, size=(30, 2))
    little, much = draw(rng, (12, 400), 3e-3, 0.02, 0.03), draw(rng, (12, 400), 3.0, 20.0, 30.0)
    return [
        Case("the example by hand", by_hand()),
        Case("40 codes of three numbers, each with noise of its own", (z, mean, std)),
        Case(
            "the same codes moved and in other units: nothing changes",
            (z * unit + shift, mean * unit + shift, std * unit),
        ),
        Case("25 codes of one number that overlap a lot", draw(rng, (25, 1), 1.0, 1.5, 3.0)),
        Case("no two codes overlap", (apart + rng.normal(size=apart.shape), apart, np.ones_like(apart))),
        Case("all codes are alike: there is no information", (alike + rng.normal(size=alike.shape), alike, ones)),
        Case("400 numbers a code and little noise: densities above every float", little),
        Case("400 numbers a code and much noise: densities that round to 0", much),
        Case(
            "codes that stand a billion away from 0",
            (far + noise * rng.normal(size=far.shape), far, noise),
            FAR_TOLERANCE,
        ),
    ]


def as_codes(mean: np.ndarray, std: np.ndarray) -> GaussianCodes:
    """The codes as corelib takes them."""
    return GaussianCodes(torch.from_numpy(mean), torch.from_numpy(std))


def log_densities(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Log densities ln p(z_i | x_j) at ``[i, j]``, from direct differences."""
    return _terms(z, mean, std).sum(-1)


def _terms(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return -0.5 * ((z[:, None] - mean) / std) ** 2 - np.log(std) - _HALF_LOG_TWO_PI


def _mean_of_terms(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return _terms(z, mean, std).mean(-1)


def _mean_of_squares(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return -0.5 * (((z[:, None] - mean) / std) ** 2).mean(-1) - np.log(std).sum(-1)


def _variance(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return log_densities(z, mean, np.sqrt(std))


def _variance_in_the_exponent(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (-0.5 * (z[:, None] - mean) ** 2 / std - np.log(std)).sum(-1)


def _no_half(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (-(((z[:, None] - mean) / std) ** 2) - np.log(std)).sum(-1)


def _no_normaliser(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return -0.5 * (((z[:, None] - mean) / std) ** 2).sum(-1)


def with_estimate(estimate: Estimate, densities: Callable[..., np.ndarray] = log_densities) -> Callable[..., float]:
    """The wrong answer that comes of an estimate of a density matrix, or of densities, with a mistake in it."""

    def wrong(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return float(estimate(densities(z, mean, std)))

    return wrong


def log_mean_exp(values: np.ndarray, axis: int = 1) -> np.ndarray:
    """Logarithm of the mean of exp along an axis; entries of minus infinity count as 0."""
    top = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - top).mean(axis=axis)) + top.squeeze(axis)


def mc(log_p: np.ndarray) -> float:
    """Own code counted in the crowd."""
    return float((np.diagonal(log_p) - log_mean_exp(log_p)).mean())


def loo(log_p: np.ndarray) -> float:
    """Own code left out of the crowd."""
    n = len(log_p)
    others = np.where(np.eye(n, dtype=bool), -np.inf, log_p)
    return float((np.diagonal(log_p) - log_mean_exp(others) - math.log(n / (n - 1))).mean())


def jensen(log_p: np.ndarray) -> float:
    """The crowd's mean log density."""
    return float((np.diagonal(log_p) - log_p.mean(1)).mean())


def density_mistakes(estimate: Estimate) -> tuple[Diagnosis, ...]:
    """Diagnoses of a wrong density under an estimate that is right."""
    return (
        answers_as(
            "mean_over_coordinates",
            "You averaged over the L numbers of a code. The numbers of a code are independent given the input, so its"
            " density is a product and the logarithm a sum over them.",
            with_estimate(estimate, _mean_of_terms),
            with_estimate(estimate, _mean_of_squares),
        ),
        answers_as(
            "variance_for_std",
            "You used std as if it were the variance. The exponent is ((z − mean) / std)² / 2: divide, then square.",
            with_estimate(estimate, _variance),
            with_estimate(estimate, _variance_in_the_exponent),
        ),
        answers_as(
            "no_half",
            "The ½ of the exponent is missing: a normal density is exp(−½ ((z − mean) / std)²), normalised.",
            with_estimate(estimate, _no_half),
        ),
    )


def no_normaliser(estimate: Estimate) -> Diagnosis:
    """A diagnosis for densities without 1 / std."""
    return answers_as(
        "no_normaliser",
        "You left out −Σ ln std. It cancels only where all codes have the same noise; here each has its own.",
        with_estimate(estimate, _no_normaliser),
    )


def unit_mistakes(estimate: Estimate) -> tuple[Diagnosis, ...]:
    """Diagnoses of a right amount in a wrong unit."""
    return (
        answers_as(
            "bits",
            "These are bits. The question asks for nats: natural logarithms, no division by ln 2.",
            with_estimate(lambda log_p: estimate(log_p) / math.log(2)),
        ),
        answers_as(
            "nats_times_ln2",
            "You multiplied by ln 2, as the released code does to get bits. To get bits one divides; and the question"
            " asks for nats.",
            with_estimate(lambda log_p: estimate(log_p) * math.log(2)),
        ),
    )


def underflow() -> Diagnosis:
    """A diagnosis for densities that were computed as such, and not as logarithms."""

    def recognises(attempt: Attempt) -> bool:
        wanted = attempt.expected is not None  # and no error
        return wanted and isinstance(attempt.value, float) and not math.isfinite(attempt.value)

    return Diagnosis(
        "underflow",
        "A density went to 0 or beyond the largest float before you took its logarithm. Stay with logarithms:"
        " subtract the largest one of the row (of those that count), take exponentials, sum, take the logarithm, add"
        " the largest one back.",
        recognises,
    )


def expansion() -> Diagnosis:
    """A diagnosis for squares that were expanded far from 0."""

    def recognises(attempt: Attempt) -> bool:
        if attempt.error or attempt.value is None or np.abs(attempt.case.args[0]).min() < FAR / 2:
            return False
        return not abs(attempt.value - attempt.expected) < 100  # no other mistake is as far off for these codes

    return Diagnosis(
        "expansion_without_centring",
        "Far from 0 the expansion z² − 2 z·mean + mean² subtracts large numbers to find a small one, and its last"
        " digits are rounding. Take the difference z − mean first, or move all codes to their common centre before you"
        " expand.",
        recognises,
    )
