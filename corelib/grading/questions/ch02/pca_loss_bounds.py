"""What PCA can lose of a noisy layer, for every number of axes kept: chapter 2, exercise 5."""

import math
from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information.lossy import pca_information_loss_bound


def _variances(covariance: np.ndarray) -> np.ndarray:
    """Variances of the clean layer along its principal axes, the widest first."""
    return np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)


def _oracle(covariance: np.ndarray, sigma: float) -> np.ndarray:
    eigenvalues = _variances(covariance) + sigma**2
    return np.array([pca_information_loss_bound(eigenvalues, m, sigma) for m in range(len(covariance) + 1)])


def _rotated(rng: np.random.Generator, variances: np.ndarray) -> np.ndarray:
    axes = np.linalg.qr(rng.normal(size=(len(variances), len(variances))))[0]
    covariance = axes @ np.diag(variances) @ axes.T
    return (covariance + covariance.T) / 2


def _cases(rng: np.random.Generator) -> list[Case]:
    four = np.diag([4.0, 2.0, 1.0, 0.5])
    h = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    sigma = float(rng.uniform(0.05, 0.3))
    bad = Raises("ValueError", ("sigma",))
    return [
        Case("the example by hand", (np.diag([3.0, 1.0]), 1.0)),
        Case("variances 4, 2, 1, 0.5 and sigma = 0.1", (four, 0.1)),
        Case("the axes in another order", (np.diag([0.5, 4.0, 1.0, 2.0]), 0.1)),
        Case("correlated units", (np.cov(h.T), sigma)),
        Case("32 units and little noise", (_rotated(rng, rng.exponential(size=32)), 0.01)),
        Case("units of which half are dead", (_rotated(rng, np.append(rng.uniform(1, 4, 3), np.zeros(3))), sigma)),
        Case("more noise than signal", (_rotated(rng, rng.uniform(0.1, 0.5, 4)), 3.0)),
        Case("a single unit", (np.array([[float(rng.uniform(1, 3))]]), 0.5)),
        Case("sigma = 0", (four, 0.0), bad),
        Case("negative sigma", (four, -0.1), bad),
    ]


def _mistaken(terms: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[np.ndarray, float], np.ndarray]:
    """Bounds with another term for each axis, given variances of the clean layer (D,), the widest first."""

    def wrong(covariance: np.ndarray, sigma: float) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return _dropped(terms(_variances(covariance), sigma))

    return wrong


def _dropped(terms: np.ndarray) -> np.ndarray:
    """Sums over the axes dropped, (D + 1,)."""
    return np.append(np.cumsum(terms[::-1])[::-1], 0.0)


def _term(v: np.ndarray, sigma: float) -> np.ndarray:
    return 0.5 * np.log1p(v / sigma**2)


def _kept(covariance: np.ndarray, sigma: float) -> np.ndarray:
    return _oracle(covariance, sigma)[0] - _oracle(covariance, sigma)


def _smallest_first(covariance: np.ndarray, sigma: float) -> np.ndarray:
    return _dropped(_term(_variances(covariance)[::-1], sigma))


def _units(covariance: np.ndarray, sigma: float) -> np.ndarray:
    return _dropped(_term(np.sort(np.diag(covariance))[::-1], sigma))


def _units_in_order(covariance: np.ndarray, sigma: float) -> np.ndarray:
    return _dropped(_term(np.diag(covariance), sigma))


def _next_axis(covariance: np.ndarray, sigma: float) -> np.ndarray:
    return np.append(_term(_variances(covariance), sigma), 0.0)


def _without(part: slice) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda covariance, sigma: _oracle(covariance, sigma)[part]


QUESTION = Question(
    name="ch02.pca_loss_bounds",
    title="What PCA can lose of a noisy layer",
    entry="pca_loss_bounds",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=Close(rtol=1e-9, atol=1e-9),
    diagnoses=(
        answers_as(
            "kept_axes",
            "You summed over the axes that are kept. What can be lost lies in those that are dropped, j > m: the bound"
            " falls with m and ends at 0.",
            _kept,
        ),
        answers_as(
            "noise_left_out",
            "Your λ are the variances of the clean layer, so that an axis without signal gives ln 0 = −∞. The λ belong"
            " to the noisy layer: λ = v + σ², and such an axis gives ln 1 = 0.",
            _mistaken(lambda v, s: 0.5 * np.log(v / s**2)),
            _mistaken(lambda v, s: 0.5 * np.log(np.maximum(v / s**2, 1.0))),
        ),
        answers_as(
            "smallest_first",
            "np.linalg.eigvalsh sorts upwards, and so you keep the axes with the least variance first. PCA keeps the"
            " widest: turn the order around.",
            _smallest_first,
        ),
        answers_as(
            "units_for_axes",
            "You used the variances of the units, the diagonal of the covariance. PCA drops principal axes: their"
            " variances are the eigenvalues.",
            _units,
            _units_in_order,
        ),
        answers_as(
            "no_half",
            "The factor ½ is missing: the entropy of a Gaussian is ½ ln(2πe λ).",
            _mistaken(lambda v, s: 2 * _term(v, s)),
        ),
        answers_as(
            "sigma_for_variance",
            "You divided by sigma, or added it, where σ² belongs. sigma is a standard deviation: square it.",
            _mistaken(lambda v, s: 0.5 * np.log1p(v / s)),
            _mistaken(lambda v, s: 0.5 * np.log((v + s**2) / s)),
            _mistaken(lambda v, s: 0.5 * np.log((v + s) / s**2)),
        ),
        answers_as(
            "bits", "These are bits. The question asks for nats.", _mistaken(lambda v, s: _term(v, s) / math.log(2))
        ),
        answers_as(
            "not_summed",
            "You give what the next axis carries. Everything beyond the m-th is dropped: sum over all j > m.",
            _next_axis,
        ),
        answers_as(
            "an_end_missing",
            "One end is missing: m runs from 0, where everything is dropped, to D, where nothing is. That makes D + 1"
            " numbers.",
            _without(slice(1, None)),
            _without(slice(None, -1)),
        ),
        Diagnosis(
            "no_checks",
            "Without noise the layer carries infinite information, and a negative sigma is none: raise a ValueError"
            " that names sigma unless sigma > 0.",
            accepts("sigma"),
        ),
    ),
)
