"""Mutual information by counting neighbours (Kraskov, Stögbauer and Grassberger): chapter 2, exercise 2."""

import math
from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import digamma

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question, answers_like
from corelib.grading.questions._recognise import accepts, answers_as

_FAR = 1e6  # here v + ε rounds to about 1e-10, so that a neighbour that stands exactly at ε may fall on either side
_TOLERANCE = Close(rtol=1e-9, atol=1e-11)


def _oracle(x: np.ndarray, y: np.ndarray, k: int) -> float:
    # Differences are taken once and compared with themselves, so that the k-th neighbour is never inside.
    dx, dy = cdist(x, x, "chebyshev"), cdist(y, y, "chebyshev")
    return _from_distances(dx, dy, k)


def _from_distances(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
    epsilon = np.sort(np.maximum(dx, dy), axis=1)[:, [k]]  # place 0 is the point itself
    counts = [(d < epsilon).sum(1) for d in (dx, dy)]  # the point itself included: n + 1
    return float(digamma(k) + digamma(len(dx)) - sum(digamma(count).mean() for count in counts))


def _cases(rng: np.random.Generator) -> list[Case]:
    x5, y5 = np.array([[0.0], [1.0], [3.0], [7.0], [12.0]]), np.array([[0.0], [2.0], [1.0], [9.0], [5.0]])
    recorded = np.random.default_rng(123)
    x200 = recorded.standard_normal((200, 1))
    y200 = 0.6 * x200 + 0.8 * recorded.standard_normal((200, 1))
    k = int(rng.integers(3, 7))
    wide_x, wide_y = _pair(rng, 120, 3, 2)
    far_x, far_y = _pair(rng, 300, 1, 1)
    whole, noisy = rng.integers(0, 6, size=(150, 1)).astype(np.float64), rng.normal(size=(150, 1))
    same = rng.normal(size=(100, 1))
    tiny = [1e-10 * side for side in _pair(rng, 120, 1, 1)]
    small = _pair(rng, 12, 2, 1)
    return [
        Case("the example by hand", (x5, y5, 1)),
        Case("five pairs, k = 2", (x5, y5, 2)),
        Case("five pairs, k = 3: a negative estimate", (x5, y5, 3)),
        Case("200 correlated pairs, k = 3", (x200, y200, 3)),
        Case("200 correlated pairs, k = 1", (x200, y200, 1)),
        Case(f"three dimensions against two, k = {k}", (wide_x, wide_y, k)),
        Case("y measured in larger units than x", (wide_x, 5 * wide_y, 2)),
        Case("y = x: the largest value that can come out", (same, same.copy(), 3)),
        Case("x takes whole values, and many are equal", (whole, whole + noisy, 4)),
        Case("both sides moved one million away from 0", (far_x + _FAR, far_y + _FAR, 3)),
        Case("both sides ten billion times smaller", (*tiny, 3)),
        Case("k = N - 1", (*small, 11)),
        Case("k = 0", (*small, 0), Raises("ValueError", ("k",))),
        Case("as many neighbours as pairs, k = N", (*small, 12), Raises("ValueError", ("k",))),
        Case("one y too few", (small[0], small[1][:-1], 3), Raises("ValueError", ("y",))),
    ]


def _pair(rng: np.random.Generator, n: int, dx: int, dy: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, dx))
    return x, 0.8 * x[:, :1] + 0.6 * rng.normal(size=(n, dy))


def _mistaken(formula: Callable[[np.ndarray, np.ndarray, int], float], norm: str = "chebyshev") -> Callable:
    """An estimate by another formula of the distances in x and in y, (N, N) each, and k."""

    def wrong(x: np.ndarray, y: np.ndarray, k: int) -> float:
        with np.errstate(invalid="ignore"):
            return float(formula(cdist(x, x, norm), cdist(y, y, norm), k))

    return wrong


def _counted(
    *,
    place: int = 0,
    extra: float = 0.0,
    joint: Callable = np.maximum,
    inside: Callable = np.less,
    psi: Callable = digamma,
    shift: Callable = lambda k: 0.0,
) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """The formula with parts exchanged: which neighbour, what is added to the counts, how distances are compared."""

    def formula(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
        epsilon = np.sort(joint(dx, dy), axis=1)[:, [k + place]]
        counts = [inside(d, epsilon).sum(1) + extra for d in (dx, dy)]
        return psi(k) + psi(len(dx)) - sum(psi(count).mean() for count in counts) + shift(k)

    return formula


def _second_algorithm(minus: bool) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """KSG2: a box of two radii around the k neighbours, and points on its edge counted."""

    def formula(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
        near = np.argsort(np.maximum(dx, dy), axis=1, kind="stable")[:, : k + 1]
        counts = []
        for d in (dx, dy):
            radius = np.take_along_axis(d, near, axis=1).max(1, keepdims=True)
            counts.append((d <= radius).sum(1) - 1)
        return digamma(k) - minus / k + digamma(len(dx)) - sum(digamma(count).mean() for count in counts)

    return formula


def _own_neighbours(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
    counts = [(d < np.sort(d, axis=1)[:, [k]]).sum(1) for d in (dx, dy)]
    return digamma(k) + digamma(len(dx)) - sum(digamma(count).mean() for count in counts)


def _standardised(x: np.ndarray, y: np.ndarray, k: int) -> float:
    return _oracle(*((side - side.mean(0)) / side.std(0) for side in (x, y)), k)


def _sample_standardised(x: np.ndarray, y: np.ndarray, k: int) -> float:
    return _oracle(*((side - side.mean(0)) / side.std(0, ddof=1) for side in (x, y)), k)


def _clipped(x: np.ndarray, y: np.ndarray, k: int) -> float:
    return max(0.0, _oracle(x, y, k))


def _bits(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
    return _from_distances(dx, dy, k) / math.log(2)


def _joint_euclidean(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.hypot(dx, dy)


def _stacked(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Euclidean distance of the whole rows (x, y), maximum norm in the counts."""
    joint = cdist(np.hstack([x, y]), np.hstack([x, y]))
    return _mistaken(_counted(joint=lambda dx, dy: joint))(x, y, k)


def _interval(x: np.ndarray, epsilon: np.ndarray, shrink: bool) -> np.ndarray:
    """How many x lie between x_i - epsilon_i and x_i + epsilon_i, whose sums are rounded."""
    if shrink:
        epsilon = np.nextafter(epsilon, 0.0)
        return np.logical_and(x - epsilon <= x.T, x + epsilon >= x.T).sum(1)
    return np.logical_and(x - epsilon < x.T, x + epsilon > x.T).sum(1)


def _in_intervals(shrink: bool) -> Callable[[np.ndarray, np.ndarray, int], float]:
    def wrong(x: np.ndarray, y: np.ndarray, k: int) -> float:
        joint = np.maximum(cdist(x, x, "chebyshev"), cdist(y, y, "chebyshev"))
        epsilon = np.sort(joint, axis=1)[:, [k]]
        counts = [_interval(side, epsilon, shrink) for side in (x, y)]
        return float(digamma(k) + digamma(len(x)) - sum(digamma(count).mean() for count in counts))

    return wrong


def _with_margin(margin: float) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """Distances compared with epsilon less a fixed number; a strip that is empty by it holds the sample itself."""

    def formula(dx: np.ndarray, dy: np.ndarray, k: int) -> float:
        epsilon = np.sort(np.maximum(dx, dy), axis=1)[:, [k]] - margin
        counts = [np.maximum((d <= epsilon).sum(1), 1) for d in (dx, dy)]
        return digamma(k) + digamma(len(dx)) - sum(digamma(count).mean() for count in counts)

    return _mistaken(formula)


_MARGINS = [answers_like("", "", _with_margin(10.0**power)) for power in range(-15, -7)]


def _has_margin(attempt: Attempt) -> bool:
    """An absolute margin as large as the smallest data empties their strips, and psi(0) is infinite."""
    if attempt.error or attempt.expected is None or np.abs(attempt.case.args[0]).max() > 1e-8:
        return False
    return not math.isfinite(attempt.value) or any(part.recognises(attempt) for part in _MARGINS)


_OTHERS = (
    answers_as(
        "not_strict",
        "You counted with ≤. The k-th neighbour stands exactly at ε in one of the two coordinates, and must not count"
        " there: ‖x_j − x_i‖ < ε_i.",
        _mistaken(_counted(inside=np.less_equal)),
    ),
    answers_as(
        "self_counted",
        "Your n counts the point itself, and then 1 is added once more. Its distance to itself is 0 < ε: leave it out"
        " of n, or leave out the + 1.",
        _mistaken(_counted(extra=1)),
    ),
    answers_as(
        "no_plus_one",
        "You have ψ(n_x) and ψ(n_y) with the point itself left out. The formula asks for ψ(n_x + 1) and ψ(n_y + 1).",
        _mistaken(_counted(extra=-1)),
    ),
    answers_as(
        "euclidean_joint",
        "Your joint distance is Euclidean. It has to be the larger of the two, max(‖x − x'‖, ‖y − y'‖): only then do"
        " both strips have the width of the square that holds the k neighbours.",
        _stacked,
        _mistaken(_counted(joint=_joint_euclidean)),
        _mistaken(_counted(joint=_joint_euclidean), "euclidean"),
    ),
    answers_as(
        "euclidean_inside",
        "Within x and within y you took Euclidean distances. That is a legitimate relative of this estimator, but the"
        " question asks for the maximum norm, max_c |x_c − x'_c|.",
        _mistaken(_counted(), "euclidean"),
    ),
    answers_as(
        "sum_of_distances",
        "Your joint distance is the sum of the two. It has to be the larger of them.",
        _mistaken(_counted(joint=np.add)),
    ),
    answers_as(
        "own_neighbours",
        "You looked for the k-th neighbour in x and in y apart. ε comes from the joint distance, one for both: only so"
        " do the counts tell how x and y go together.",
        _mistaken(_own_neighbours),
    ),
    answers_as(
        "next_neighbour",
        "Your ε is the distance to the (k+1)-th neighbour. In a sorted row place 0 is the point itself and place k its"
        " k-th neighbour; with the point itself left out, it is place k − 1.",
        _mistaken(_counted(place=1)),
    ),
    answers_as(
        "one_neighbour_too_near",
        "Your ε is the distance to the (k−1)-th neighbour, since the point itself was counted as the first.",
        _mistaken(_counted(place=-1)),
    ),
    answers_as(
        "minus_one_over_k",
        "The term −1/k belongs to the second algorithm (KSG2), which counts in a box with two radii. With one ε and <"
        " there is no such term.",
        _mistaken(_counted(shift=lambda k: -1 / k)),
    ),
    answers_as(
        "second_algorithm",
        "This is the second algorithm (KSG2), with two radii, ≤ and ψ(n). The question asks for the first: one ε, <,"
        " ψ(n + 1).",
        _mistaken(_second_algorithm(True)),
        _mistaken(_second_algorithm(False)),
    ),
    answers_as(
        "log_for_psi",
        "You have logarithms in place of ψ. They are alike for large counts only, and here many counts are small.",
        _mistaken(_counted(psi=np.log)),
    ),
    answers_as(
        "standardised",
        "You rescaled x and y first. That is a good habit, and corelib's default, but here the units are the caller's"
        " affair: estimate from x and y as they are.",
        _standardised,
        _sample_standardised,
    ),
    answers_as(
        "clipped",
        "You replaced a negative estimate by 0. Information is not negative, but an estimate scatters around it:"
        " clipping makes averages too large, and hides what the permutation control is for.",
        _clipped,
    ),
    answers_as("bits", "These are bits. The question asks for nats: no division by ln 2.", _mistaken(_bits)),
    Diagnosis(
        "absolute_margin",
        "You compare with ε minus a fixed small number. In other units that number is not small: with data around"
        " 10⁻¹⁰ your strips are empty. Compare the same differences that ε was made of, d < ε: no margin is needed.",
        _has_margin,
    ),
)

QUESTION = Question(
    name="ch02.ksg_mi",
    title="Mutual information by counting neighbours",
    entry="ksg_mi",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    preload=("scipy.special", "scipy.spatial"),
    diagnoses=(
        *_OTHERS,
        answers_as(
            "interval_rounded",
            "You counted between x_i − ε and x_i + ε. These sums are rounded, and the k-th neighbour, which stands"
            " exactly at ε, falls inside or outside by luck, most of all far from 0. Compare differences,"
            " |x_j − x_i| < ε_i, the same ones that ε was made of.",
            _in_intervals(False),
            _in_intervals(True),
        ),
        Diagnosis(
            "no_checks",
            "k has to be between 1 and N − 1, and there are as many y as x: raise a ValueError that names k, or y.",
            lambda attempt: accepts("k")(attempt) or accepts("y")(attempt),
        ),
    ),
)
