"""Two sets of image parameters with as much information between them as you like: chapter 2, exercise 4."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import expit, ndtr

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

Pair = tuple[np.ndarray, np.ndarray]


def _oracle(z: np.ndarray, noise: np.ndarray, mi: float) -> Pair:
    each = mi / z.shape[1]
    return ndtr(z), ndtr(math.sqrt(-math.expm1(-2 * each)) * z + math.exp(-each) * noise)


def _cases(rng: np.random.Generator) -> list[Case]:
    def pair(n: int, m: int) -> Pair:
        z, noise = rng.normal(size=(2, n, m))
        return z, noise

    bad = Raises("ValueError", ("mi",))
    return [
        Case("the example by hand", (np.array([[0.0], [1.0]]), np.array([[1.0], [-1.0]]), 0.5)),
        Case("two parameters, 2 nats", (*pair(50, 2), 2.0)),
        Case("four parameters", (*pair(40, 4), float(rng.uniform(3, 9)))),
        Case("one parameter, 1 nat", (*pair(30, 1), 1.0)),
        Case("five parameters, little information", (*pair(20, 5), 0.05)),
        Case("independent: 0 nats", (*pair(20, 2), 0.0)),
        Case("a single pair of images", (*pair(1, 4), float(rng.uniform(1, 4)))),
        Case("far out in the tails", (4 * pair(20, 2)[0], pair(20, 2)[1], 4.0)),
        Case("a negative information", (*pair(5, 2), -0.1), bad),
        Case("an information that is NaN", (*pair(5, 2), math.nan), bad),
    ]


def _mistaken(rho: Callable[[float, int], float], cdf: Callable = ndtr, weight: Callable | None = None) -> Callable:
    """The pair for another correlation, another map to [0, 1], or another weight of the noise."""

    def wrong(z: np.ndarray, noise: np.ndarray, mi: float) -> Pair:
        r = rho(mi, z.shape[1])
        return cdf(z), cdf(r * z + (weight(r) if weight else math.sqrt(1 - r**2)) * noise)

    return wrong


def _rho(mi: float, m: int) -> float:
    return math.sqrt(-math.expm1(-2 * mi / m))


def _same_latent(z: np.ndarray, noise: np.ndarray, mi: float) -> Pair:
    return ndtr(z), ndtr(z)


def _latents(z: np.ndarray, noise: np.ndarray, mi: float) -> Pair:
    return _mistaken(_rho, cdf=lambda values: values)(z, noise, mi)


def _shifted_ranks(values: np.ndarray, before: float, beyond: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (np.argsort(np.argsort(values, axis=0), axis=0) + before) / (len(values) + beyond)


QUESTION = Question(
    name="ch02.correlated_uniforms",
    title="As much information as you like",
    entry="correlated_uniforms",
    points=2,
    cases=_cases,
    oracle=_oracle,
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "total_information",
            "You gave every one of the m pairs the whole information, m times too much in all. Each pair carries mi/m.",
            _mistaken(lambda mi, m: _rho(mi, 1)),
        ),
        answers_as(
            "half_missing",
            "Your ρ² is 1 − exp(−I/m). A normal pair has I = −½ ln(1 − ρ²), so that ρ² = 1 − exp(−2I/m).",
            _mistaken(lambda mi, m: _rho(mi / 2, m)),
        ),
        answers_as(
            "no_root",
            "You used 1 − exp(−2I/m) as ρ. It is ρ²: take the root.",
            _mistaken(lambda mi, m: _rho(mi, m) ** 2),
        ),
        answers_as(
            "bits_for_nats",
            "You computed with powers of 2, as if mi were in bits. It is in nats: exp.",
            _mistaken(lambda mi, m: _rho(mi * math.log(2), m)),
        ),
        answers_as(
            "same_latent",
            "Both sides show the same numbers. Then the second image is the first one, and the information between"
            " them is infinite: v needs its share of the noise.",
            _same_latent,
        ),
        answers_as(
            "variance_above_one",
            "Your second normal is ρ z + noise, with variance 1 + ρ². Φ makes a uniform number of a normal one of"
            " variance 1 only: weigh the noise by √(1 − ρ²).",
            _mistaken(_rho, weight=lambda r: 1.0),
        ),
        answers_as(
            "noise_weight",
            "You weighed the noise by 1 − ρ, or by 1 − ρ². Variances add up, ρ² + w² = 1, so w = √(1 − ρ²).",
            _mistaken(_rho, weight=lambda r: 1 - r),
            _mistaken(_rho, weight=lambda r: 1 - r**2),
        ),
        answers_as(
            "not_uniform",
            "You returned the normal numbers. The parameters of an image lie in [0, 1]: send both through Φ.",
            _latents,
        ),
        answers_as(
            "ranks_for_cdf",
            "You used ranks within the sample. That ties each number to all others and depends on N; Φ maps each number"
            " by itself.",
            *(
                _mistaken(_rho, cdf=lambda values, b=b, c=c: _shifted_ranks(values, b, c))
                for b, c in ((0, 0), (1, 0), (0.5, 0), (1, 1), (0, -1))
            ),
        ),
        answers_as(
            "logistic_for_cdf",
            "You used the logistic function. It looks like Φ and is not: what comes out is not uniform.",
            _mistaken(_rho, cdf=expit),
        ),
        Diagnosis(
            "no_checks",
            "There is no negative information, and NaN is no number: raise a ValueError that names mi unless mi >= 0.",
            accepts("mi"),
        ),
    ),
)
