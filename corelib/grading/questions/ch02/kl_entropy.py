"""Differential entropy from distances to the k-th neighbour (Kozachenko-Leonenko): chapter 2, exercise 1."""

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question, answers_like
from corelib.grading.questions._recognise import accepts, answers_as

_TOLERANCE = Close(rtol=1e-9, atol=1e-11)
_FAR = 3e5  # an offset at which |a|^2 rounds to about 1e-5, a few percent of the smallest squared distance there


def _oracle(x: np.ndarray, k: int) -> float:
    n, d = x.shape
    rho = cKDTree(x).query(x, k=[k + 1])[0]  # the nearest of all is the point itself
    return float(d * np.log(rho).mean() + _log_ball(d) + math.log(n - 1) - digamma(k))


def _log_ball(d: int) -> float:
    """Logarithm of the volume of the Euclidean unit ball."""
    return float(d / 2 * math.log(math.pi) - gammaln(1 + d / 2))


def _cases(rng: np.random.Generator) -> list[Case]:
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    plane = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [6.0, 8.0]])
    n, k = int(rng.integers(150, 200)), int(rng.integers(3, 8))
    stretched = rng.normal(size=(90, 2)) * [1e-6, 1e-3]
    far = rng.permutation(0.05 * np.arange(40) + rng.uniform(0, 0.03, 40))[:, None] + _FAR
    pairs = np.repeat(rng.normal(size=(30, 2)), 2, axis=0)
    triples = np.repeat(rng.normal(size=(12, 2)), 3, axis=0)
    small = rng.normal(size=(9, 2))
    return [
        Case("the example by hand", (line[:3], 1)),
        Case("four numbers, k = 1", (line, 1)),
        Case("four numbers, k = 2", (line, 2)),
        Case("four points of the plane, k = 1", (plane, 1)),
        Case("four points of the plane, k = 2", (plane, 2)),
        Case(f"{n} points in three dimensions, k = {k}", (rng.normal(size=(n, 3)) * 2, k)),
        Case("100 points in eight dimensions, k = 3", (rng.uniform(size=(100, 8)), 3)),
        Case("points a millionth apart: the entropy is far below 0", (stretched, 2)),
        Case("points that stand far from 0", (far, 1)),
        Case("the farthest neighbour, k = N - 1", (rng.normal(size=(20, 2)), 19)),
        Case("every point occurs twice, k = 3", (rng.permutation(pairs), 3)),
        Case("every point occurs three times, k = 2", (rng.permutation(triples), 2), Raises("ValueError", ("x",))),
        Case("k = 0", (small, 0), Raises("ValueError", ("k",))),
        Case("as many neighbours as points, k = N", (small, 9), Raises("ValueError", ("k",))),
    ]


def _mistaken(formula: Callable, metric: str = "euclidean") -> Callable[[np.ndarray, int], float]:
    """An entropy by another formula of the sorted distances (N, N), k, N and d; column 0 is the point itself."""

    def wrong(x: np.ndarray, k: int) -> float:
        with np.errstate(divide="ignore"):
            return float(formula(np.sort(cdist(x, x, metric), axis=1), k, *x.shape))

    return wrong


def _right(s: np.ndarray, k: int, n: int, d: int) -> float:
    return d * np.log(s[:, k]).mean() + _log_ball(d) + math.log(n - 1) - digamma(k)


def _log_of_mean(s: np.ndarray, k: int, n: int, d: int) -> float:
    return d * np.log(s[:, k].mean()) + _log_ball(d) + math.log(n - 1) - digamma(k)


def _zeros_dropped(x: np.ndarray, k: int) -> float:
    s = cdist(x, x)
    s[s == 0] = np.inf
    return _right(np.insert(np.sort(s, axis=1), 0, 0.0, axis=1), k, *x.shape)


def _expanded(order: int, repair: Callable, self_out: bool) -> Callable[[np.ndarray, int], float]:
    """|a|^2 + |b|^2 - 2ab; with one coordinate its rounding depends on the order of the sum alone."""

    def wrong(x: np.ndarray, k: int) -> float:
        squares, product = (x**2).sum(1), 2 * (x @ x.T)
        a, b = squares[:, None], squares[None]
        with np.errstate(invalid="ignore"):
            distance = np.sqrt(repair((a + b - product, a - product + b, b - product + a)[order]))
        if self_out:
            np.fill_diagonal(distance, 0.0)
        return float(_right(np.sort(distance, axis=1), k, *x.shape))

    return wrong


_REPAIRS = (lambda squares: np.maximum(squares, 0.0), np.abs)
_EXPANSIONS = [_expanded(*how) for how in itertools.product(range(3), _REPAIRS, (False, True))]


def _expansion() -> Diagnosis:
    name = "expansion_without_centring"
    says = (
        "Far from the origin |a|² + |b|² − 2ab subtracts large numbers to find a small one, and its last digits are"
        " rounding. Take the differences of coordinates first, then square them."
    )
    parts = [answers_like(name, says, wrong, compare=_TOLERANCE) for wrong in _EXPANSIONS]
    return Diagnosis(
        name, says, lambda a: np.abs(a.case.args[0]).min() > _FAR / 2 and any(part.recognises(a) for part in parts)
    )


QUESTION = Question(
    name="ch02.kl_entropy",
    title="Entropy from the distance to a neighbour",
    entry="kl_entropy",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    preload=("scipy.special", "scipy.spatial"),
    diagnoses=(
        answers_as(
            "zero_distances_dropped",
            "You left out every distance of 0. Only the point itself is left out: another sample at the same place is a"
            " neighbour, at distance 0.",
            _zeros_dropped,
        ),
        answers_as(
            "one_neighbour_too_far",
            "You took the distance to the (k+1)-th neighbour. With the point itself left out already, the k-th"
            " smallest distance stands at place k − 1.",
            _mistaken(lambda s, k, n, d: _right(s, k + 1, n, d) + digamma(k + 1) - digamma(k)),
        ),
        answers_as(
            "no_dimension",
            "The logarithm of the distance is not multiplied by d. A ball of radius ρ has the volume V_d ρ^d, whose"
            " logarithm is ln V_d + d ln ρ.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) - (d - 1) * np.log(s[:, k]).mean()),
        ),
        answers_as(
            "cube_for_ball",
            "You used the volume 2^d of a cube, which belongs to the maximum norm. Euclidean distance has round balls:"
            " V_d = π^(d/2) / Γ(1 + d/2).",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) - _log_ball(d) + d * math.log(2)),
        ),
        answers_as(
            "maximum_norm",
            "These are distances in the maximum norm. The question asks for Euclidean ones, √Σ(a − b)².",
            _mistaken(_right, "chebyshev"),
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) - _log_ball(d) + d * math.log(2), "chebyshev"),
        ),
        answers_as(
            "gamma_without_one",
            "Your ball has Γ(d/2) where Γ(1 + d/2) belongs. Try d = 2: the unit disc has area π, and Γ(2) = 1.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) + gammaln(1 + d / 2) - gammaln(d / 2)),
        ),
        answers_as(
            "squared_distance",
            "These are logarithms of squared distances: the root is missing.",
            _mistaken(_right, "sqeuclidean"),
        ),
        answers_as(
            "psi_added",
            "ψ(k) is subtracted, and you added it. A farther neighbour means a larger distance but no more entropy:"
            " −ψ(k) makes up for it.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) + 2 * digamma(k)),
        ),
        answers_as(
            "log_for_psi",
            "You have ln k in place of ψ(k). They are alike for large k only: ψ(1) = −0.577, and ln 1 = 0.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) + digamma(k) - math.log(k)),
        ),
        answers_as(
            "n_for_n_minus_one",
            "You have ln N. A point has N − 1 others around it: ln(N − 1). The difference is 0.4 nats for three points"
            " and invisible for thousands, which is why the small cases are there.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) + math.log(n / (n - 1))),
        ),
        answers_as(
            "kraskov_variant",
            "This is Kraskov's variant, with ψ(N) in place of ln(N − 1). It is as good an estimator, but not the one"
            " asked for; the two differ by about 1/(2N).",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) + digamma(n) - math.log(n - 1)),
        ),
        answers_as(
            "log_of_mean",
            "You took the logarithm of the mean distance. The formula asks for the mean of the logarithms: one for each"
            " point, then averaged.",
            _mistaken(_log_of_mean),
        ),
        answers_as(
            "bits",
            "These are bits. The question asks for nats: natural logarithms, no division by ln 2.",
            _mistaken(lambda s, k, n, d: _right(s, k, n, d) / math.log(2)),
            _mistaken(
                lambda s, k, n, d: (
                    (d * np.log(s[:, k]).mean() + _log_ball(d) + math.log(n - 1)) / math.log(2) - digamma(k)
                )
            ),
        ),
        answers_as(
            "self_counted",
            "You counted each point as its own nearest neighbour, so that your k-th is really the (k−1)-th, and for"
            " k = 1 every distance is 0. In a sorted row of distances, place 0 is the point itself: take place k.",
            _mistaken(lambda s, k, n, d: _right(s, k - 1, n, d) + digamma(k - 1) - digamma(k) if k > 1 else -np.inf),
        ),
        # Before one_neighbour_too_far: where every point occurs twice, both give the same number.
        _expansion(),
        Diagnosis(
            "no_checks",
            "k has to be between 1 and N − 1, and a k-th neighbour at distance 0 has no logarithm: raise a ValueError"
            " that names k, or x.",
            lambda attempt: accepts("k")(attempt) or accepts("x")(attempt),
        ),
    ),
)
