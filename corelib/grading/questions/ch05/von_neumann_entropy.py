"""How many directions a cloud of latents fills: chapter 5, exercise 2."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman import density_spectrum, entropy_from_spectrum

# A direction that is empty keeps an eigenvalue p of some 1e-16 from rounding, and p ln p is 4e-15 then.
_TOLERANCE = Close(rtol=1e-9, atol=1e-10)


def _oracle(z: np.ndarray) -> float:
    return entropy_from_spectrum(density_spectrum(torch.from_numpy(z.copy())).clamp(min=0)).item()


def _cases(rng: np.random.Generator) -> list[Case]:
    d, scales = 5, np.array([3.0, 2.0, 1.0, 0.4, 0.1])
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    windows = (rng.normal(size=(6, 9, d)) * scales) @ turn
    apart = windows + 4 * rng.normal(size=(6, 1, d))
    drifting = windows + 4 * rng.normal(size=(1, 9, d))
    line = rng.normal(size=(30, 1)) * rng.uniform(0.5, 1.5, size=4)
    unused = np.where([True, True, False, True, False], windows, 0.7)
    cross = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    corners = np.vstack([np.eye(4), -np.eye(4)]) * rng.uniform(1, 3)
    return [
        Case("the example by hand: points (±2, 0) and (0, ±1)", (cross,)),
        Case("six windows of nine latents", (windows,)),
        Case("windows around different means", (apart,)),
        Case("latents that drift in time, all windows alike", (drifting,)),
        Case("a cloud far from 0", (windows.reshape(-1, d) + 100 * rng.uniform(1, 2, size=d),)),
        Case("the same spread in all directions: S = ln d", (corners + rng.normal(size=4),)),
        Case("all latents on a line: S = 0", (line,)),
        Case("two of five coordinates never move", (unused,)),
        Case("fewer latents than dimensions", (rng.normal(size=(1, 8, 20)),)),
        Case("tiny latents", (1e-7 * windows,)),
        Case("one dimension: S = 0", (rng.normal(size=(12, 1)),)),
        Case("two latents: they span one direction", (rng.normal(size=(2, 6)),)),
        Case("a single latent", (rng.normal(size=(1, 1, 3)),), Raises("ValueError", ("z",))),
        Case(
            "all latents are the same",
            (np.full((4, 7, 2), 0.1) * rng.uniform(1, 2, size=2),),
            Raises("ValueError", ("z",)),
        ),
    ]


def _shannon(p: np.ndarray) -> float:
    p = p[p > 1e-14]
    return float(-(p * np.log(p)).sum())


def _normalised(p: np.ndarray) -> np.ndarray:
    if p.sum() == 0:
        raise ValueError("this way to go wrong leaves no spread here")
    return p / p.sum()


def _flat(z: np.ndarray) -> np.ndarray:
    return z.reshape(-1, z.shape[-1])


def _centred(z: np.ndarray) -> np.ndarray:
    return _flat(z) - _flat(z).mean(0)


def _spectrum(z: np.ndarray) -> np.ndarray:
    """Normalised squares of the singular values of centred latents (N, d)."""
    return _normalised(np.linalg.svd(z, compute_uv=False) ** 2)


def _of(centre: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], float]:
    return lambda z: _shannon(_spectrum(_flat(centre(z))))


def _unnormalised(divisor: Callable[[int], int]) -> Callable[[np.ndarray], float]:
    def wrong(z: np.ndarray) -> float:
        return _shannon(np.linalg.svd(_centred(z), compute_uv=False) ** 2 / divisor(len(_flat(z))))

    return wrong


def _singular_values(z: np.ndarray) -> float:
    return _shannon(_normalised(np.linalg.svd(_centred(z), compute_uv=False)))


def _squared_eigenvalues(z: np.ndarray) -> float:
    return _shannon(_normalised(_spectrum(_centred(z)) ** 2))


def _correlation(z: np.ndarray) -> float:
    deviation = _flat(z).std(0)
    return _shannon(_spectrum(_centred(z) / np.where(deviation > 0, deviation, 1)))


def _diagonal(z: np.ndarray) -> float:
    return _shannon(_normalised(_flat(z).var(0)))


def _samples_for_dimensions(z: np.ndarray) -> float:
    return _shannon(_spectrum((_flat(z) - _flat(z).mean(1, keepdims=True)).T))


def _floored(eps: float) -> Callable[[np.ndarray], float]:
    def wrong(z: np.ndarray) -> float:
        p = _spectrum(_centred(z))
        return float(-(p * np.log(p + eps)).sum())

    return wrong


def _mean_over(axis: int) -> Callable[[np.ndarray], float]:
    def wrong(z: np.ndarray) -> float:
        return float(np.mean([_oracle(part) for part in np.moveaxis(z, axis, 0)])) if z.ndim == 3 else _oracle(z)

    return wrong


def _is_nan(attempt: Attempt) -> bool:
    return not isinstance(attempt.case.expect, Raises) and (
        attempt.error == "LinAlgError" or bool(np.isnan(attempt.value))
    )


QUESTION = Question(
    name="ch05.von_neumann_entropy",
    title="How many directions a cloud fills",
    entry="von_neumann_entropy",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "not_centred",
            "You did not subtract the mean. Then an offset counts as a direction, the largest one, and a cloud far from"
            " 0 seems flat.",
            _of(lambda z: z),
        ),
        answers_as(
            "singular_values",
            "You took the entropy of singular values of Z. A variance is the square of one: p ∝ s², the eigenvalues of"
            " the covariance.",
            _singular_values,
        ),
        answers_as(
            "eigenvalues_squared",
            "You squared the eigenvalues of the covariance. They are variances already; only singular values of Z have"
            " to be squared.",
            _squared_eigenvalues,
        ),
        answers_as(
            "trace_not_normalised",
            "Your eigenvalues do not sum to 1. Divide the covariance by its trace first: S must not depend on the unit"
            " of the latents.",
            _unnormalised(lambda n: n),
            _unnormalised(lambda n: n - 1),
            _unnormalised(lambda n: 1),
        ),
        answers_as("bits", "These are bits. The question asks for nats: np.log.", lambda z: _oracle(z) / np.log(2)),
        answers_as(
            "correlation",
            "You scaled each coordinate to variance 1: that is the correlation matrix. How unequal the variances are is"
            " what the entropy measures; keep the covariance.",
            _correlation,
        ),
        answers_as(
            "diagonal_only",
            "You used the variances of the coordinates. S is about the directions of the cloud: the eigenvalues of the"
            " whole covariance, which a rotation does not change.",
            _diagonal,
        ),
        answers_as(
            "negative",
            "Your sign is that of Σ p ln p, which is negative. S = −Σ p ln p ≥ 0; a loss subtracts it.",
            lambda z: -_oracle(z),
        ),
        answers_as(
            "effective_dimension",
            "You returned e^S, the effective dimension. The question asks for S, in nats.",
            lambda z: np.exp(_oracle(z)),
        ),
        answers_as(
            "samples_for_dimensions",
            "You took latents for coordinates. np.cov reads variables from rows: pass rowvar=False, or transpose.",
            _samples_for_dimensions,
        ),
        answers_as(
            "windows_averaged",
            "You averaged the entropies of the windows (or times). All B·T latents are one cloud: reshape to (B·T, d)"
            " first.",
            _mean_over(0),
            _mean_over(1),
        ),
        answers_as(
            "centred_in_parts",
            "You subtracted a mean over one axis only, an own one for each window or time. One mean over all latents is"
            " asked for: how far windows lie apart is spread, too.",
            _of(lambda z: z - z.mean(0)),
            _of(lambda z: z - z.mean(-2, keepdims=True)),
        ),
        answers_as(
            "floor_too_high",
            "The number that you add inside the logarithm shows. Leave out eigenvalues that are 0, or add 1e-12.",
            *(_floored(eps) for eps in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)),
        ),
        Diagnosis(
            "nan_when_flat",
            "Your answer breaks where the cloud leaves a direction empty: 0 · ln 0 is NaN, and rounding may make the"
            " 0 a −1e-17. Sum over p > 0 only: an empty direction adds nothing.",
            _is_nan,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names z for fewer than two latents, and for latents that all"
            " agree. Compare the latents for that: a mean is rounded, and leaves variances of 1e-34 behind.",
            accepts("z"),
        ),
    ),
)
