"""Bounds on I(X;T) of a layer seen through Gaussian noise, streamed over pairs: chapter 3, exercise 4."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Limits, Question
from corelib.grading.questions._recognise import answers_as
from corelib.information import kde_information

_FAR = 1e7  # an offset at which |a|^2 rounds to about 0.02, ten times the noise variance of that case
_TOLERANCE = Close(rtol=1e-9, atol=1e-11)  # exponents of a few hundred at most, each good to 1e-13
_PEAK_MB = 48.0  # the full matrix of the large case takes 75 MB


def _oracle(h: np.ndarray, noise_variance: float) -> tuple[float, float]:
    units = [np.unique(unit) for unit in h.T]
    if len(h) == math.prod(map(len, units)) == len(np.unique(h, axis=0)):
        # Every combination of the units' values occurs once: the units are independent, and information adds up.
        return tuple(map(sum, zip(*(_corelib(unit[:, None], noise_variance) for unit in units), strict=True)))
    return _corelib(h, noise_variance)


def _corelib(h: np.ndarray, noise_variance: float) -> tuple[float, float]:
    # Float64 input takes corelib's float64 path: centred, and within 1e-12 of a double loop over direct differences.
    found = kde_information(torch.from_numpy(h)[None], torch.zeros(len(h), dtype=torch.int64), noise_variance)
    return found.ixt_upper.item(), found.ixt_lower.item()


def _cases(rng: np.random.Generator) -> list[Case]:
    noise = float(rng.uniform(0.02, 0.06))
    sigma = math.sqrt(noise)
    direction = rng.normal(size=2)
    two = np.repeat([[0.0], [rng.uniform(1.5, 3.0) * sigma]], 12, axis=0) * direction / np.linalg.norm(direction)
    apart = rng.permutation(20)[:, None] * 100 * sigma * np.array([[1.0, -0.5]])
    wide, far = float(rng.uniform(2.0, 5.0)), rng.normal(size=(48, 1)) * 0.05 + _FAR
    with_nan = rng.normal(size=(6, 2))
    with_nan[4, 1] = np.nan
    small = rng.normal(size=(5, 2))
    grid = np.stack(np.meshgrid(rng.normal(size=64), rng.normal(size=48)), axis=-1).reshape(3072, 2)
    return [
        Case("40 inputs, 3 units", (rng.normal(size=(40, 3)) * 0.3, noise)),
        Case("two equal clusters, a few noise standard deviations apart", (two, noise)),
        Case("all inputs at one point", (np.full((16, 3), rng.normal()), noise)),
        Case("inputs so far apart that no two overlap", (apart, noise)),
        Case("a single input", (rng.normal(size=(1, 4)), noise)),
        Case("one unit, noise variance above 1", (rng.normal(size=(33, 1)) * 3, wide)),
        Case("more units than most layers have", (rng.normal(size=(30, 12)) * 0.5, 10 * noise)),
        Case("a layer moved ten million away from 0, which changes no distance", (far, 1e-3), Close(1e-6, 1e-8)),
        Case("3072 inputs: no room for a 3072 x 3072 matrix", (rng.permutation(grid), 0.1), peak_mb=_PEAK_MB),
        Case("noise variance 0", (small, 0.0), Raises("ValueError", ("noise_variance",))),
        Case("negative noise variance", (small, -noise), Raises("ValueError", ("noise_variance",))),
        Case("noise variance NaN", (small, math.nan), Raises("ValueError", ("noise_variance",))),
        Case("a NaN in the layer", (with_nan, noise), Raises("ValueError")),
    ]


def _information(distance: np.ndarray, divisor: float, self_term: bool = True, count: int = 0) -> float:
    """-mean_i ln (1/count) sum_j exp(-d_ij / divisor)."""
    kernel = np.exp(-distance / divisor)
    if not self_term:
        np.fill_diagonal(kernel, 0.0)
    with np.errstate(divide="ignore"):
        return float(-np.log(kernel.sum(1) / (count or len(kernel))).mean())


def _distances(h: np.ndarray) -> np.ndarray:
    if len(h) > 100:
        raise ValueError("a full matrix only to give a mistake its name is too dear; the small cases do")
    return ((h[:, None] - h[None]) ** 2).sum(-1)


def _both(narrow: float, wide: float, **options) -> Callable:
    """The pair of bounds with other divisors than 2 and 8 times the variance."""
    return lambda h, s: tuple(_information(_distances(h), factor * s, **options) for factor in (narrow, wide))


def _without_self(others: bool) -> Callable:
    def bounds(h: np.ndarray, s: float) -> tuple[float, float]:
        count = len(h) - 1 if others else len(h)
        return tuple(_information(_distances(h), factor * s, self_term=False, count=count) for factor in (2, 8))

    return bounds


def _log_of_mean(h: np.ndarray, s: float) -> tuple[float, float]:
    return tuple(float(-np.log(np.exp(-_distances(h) / (factor * s)).mean())) for factor in (2, 8))


def _standard_deviation(h: np.ndarray, s: float) -> tuple[float, float]:
    return _both(2 * s, 8 * s)(h, s)


def _with_noise_entropy(constant: float, follows: bool) -> Callable:
    """The entropy of T instead of the information: one Gaussian's constant is still in it."""

    def bounds(h: np.ndarray, s: float) -> tuple[float, float]:
        upper, lower = _both(2, 8)(h, s)
        half = h.shape[1] / 2
        variances = (s, 4 * s if follows else s)
        return tuple(i + half * math.log(constant * v) for i, v in zip((upper, lower), variances, strict=True))

    return bounds


def _bits(h: np.ndarray, s: float) -> tuple[float, float]:
    return tuple(value / math.log(2) for value in _both(2, 8)(h, s))


def _expanded(order: int, clamp: bool, exact_diagonal: bool) -> Callable:
    """|a|^2 + |b|^2 - 2ab far from the origin. With one unit its rounding depends on the order of the sum alone."""

    def bounds(h: np.ndarray, s: float) -> tuple[float, float]:
        squares, product = (h**2).sum(1), 2 * (h @ h.T)
        a, b = squares[:, None], squares[None]
        distance = (a + b - product, a - product + b, b - product + a)[order]
        if clamp:
            distance = np.maximum(distance, 0.0)
        if exact_diagonal:
            np.fill_diagonal(distance, 0.0)
        with np.errstate(over="ignore"):
            return tuple(_information(distance, factor * s) for factor in (2, 8))

    return bounds


_EXPANSIONS = [_expanded(*how) for how in itertools.product(range(3), (False, True), (False, True))]


def _recognises_expansion(attempt: Attempt) -> bool:
    h = attempt.case.args[0]
    if attempt.error or attempt.expected is None or np.abs(h).min() < _FAR / 2:
        return False
    upper, lower = attempt.value
    if not (-0.01 <= upper <= math.log(len(h)) + 0.01 and -0.01 <= lower <= math.log(len(h)) + 0.01):
        return True  # a bound below 0, above ln N or NaN comes of distances that are none
    return answers_as("", "", *_EXPANSIONS).recognises(attempt)


def _recognises_full_matrix(attempt: Attempt) -> bool:
    if attempt.case.peak_mb is None or attempt.mutated:
        return False
    right = not attempt.error and _TOLERANCE.explain(attempt.expected, attempt.value) == ""
    return right or attempt.error == "MemoryError"


def _recognises_single_precision(attempt: Attempt) -> bool:
    if attempt.error or attempt.expected is None or attempt.mutated:
        return False
    near = Close(1e-5, 1e-5).explain(attempt.expected, attempt.value) == ""
    return near and _TOLERANCE.explain(attempt.expected, attempt.value) != ""


def _accepts_bad_input(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and not attempt.error


_DIAGNOSES = (
    Diagnosis(
        "expansion_without_centring",
        "Far from the origin |a|² + |b|² − 2ab subtracts numbers near 10¹⁴ to find a distance near 0.01, and nothing"
        " but rounding is left. Take the differences first, or move the layer's mean to 0 before you expand.",
        _recognises_expansion,
    ),
    Diagnosis(
        "full_matrix",
        "The numbers are right, but all N² pairs were in memory at once. Work on a block of rows, say 64 inputs"
        " against all others, add up its logarithms and forget it before the next block.",
        _recognises_full_matrix,
    ),
    answers_as(
        "log_of_mean",
        "You took one logarithm of the mean over all pairs. The formula asks for the mean over i of the logarithm of"
        " the mean over j: average each row, take its logarithm, then average the logarithms.",
        _log_of_mean,
    ),
    answers_as(
        "no_self_term",
        "The sum over j leaves out j = i. It belongs in: the density of T at input i includes input i's own Gaussian,"
        " which is why far-apart inputs give ln N and not infinity.",
        _without_self(False),
        _without_self(True),
    ),
    answers_as(
        "sigma_for_variance",
        "noise_variance was squared once more. It is σ² already, so the exponents divide by 2 σ² = 2 * noise_variance"
        " and 8 σ² = 8 * noise_variance.",
        _standard_deviation,
    ),
    answers_as(
        "no_factor_four",
        "Both bounds use the same kernel. The lower one has four times the variance: divide by 8 σ² where the upper"
        " one divides by 2 σ².",
        _both(2, 2),
    ),
    answers_as(
        "doubled_not_fourfold",
        "The kernel of the lower bound has twice the variance (4 σ² in the exponent). It needs four times the"
        " variance: divide by 8 σ².",
        _both(2, 4),
    ),
    answers_as(
        "no_noise_entropy",
        "This is the entropy of T = h + Z. The information is I(X;T) = H(T) − H(T|X), and H(T|X) = H(Z) is the entropy"
        " of the noise alone: subtract it, or leave the Gaussian's normalising constant out from the start.",
        *(_with_noise_entropy(2 * math.pi * c, follows) for c in (math.e, 1.0) for follows in (False, True)),
    ),
    Diagnosis(
        "single_precision",
        "Right to five or six digits, as numbers in float32 are. Keep everything in float64, as h is.",
        _recognises_single_precision,
    ),
    Diagnosis(
        "no_checks",
        "Bad input passes without a word. Test it first: raise a ValueError unless noise_variance > 0, which NaN is"
        " not, and unless np.isfinite(h).all().",
        _accepts_bad_input,
    ),
    answers_as("bits", "These are bits. The question asks for nats: natural logarithms, no division by ln 2.", _bits),
    answers_as("swapped", "The two bounds are in the wrong order: the upper one comes first.", _both(8, 2)),
)

QUESTION = Question(
    name="ch03.kde_bounds",
    title="Bounds on what a noisy layer tells, without N² memory",
    entry="kde_bounds",
    points=4,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    limits=Limits(seconds=8, memory_mb=128),
    diagnoses=_DIAGNOSES,
)
