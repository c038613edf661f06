"""Pictures that keep all four numbers they were made of: chapter 2, exercise 4."""

from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information.known import rectangle_images


def _oracle(u: np.ndarray, size: int) -> np.ndarray:
    return rectangle_images(u, size).reshape(len(u), size, size)


def _cases(rng: np.random.Generator) -> list[Case]:
    outside, below = rng.random((2, 5, 4))
    outside[rng.integers(5), rng.integers(4)], below[rng.integers(5), rng.integers(4)] = 1.01, -1e-9
    corners = np.array(np.meshgrid(*4 * [[0.0, 1.0]])).reshape(4, -1).T
    bad = Raises("ValueError", ("u",))
    size = int(rng.integers(9, 14))
    return [
        Case("the example by hand", (np.array([[0.75, 0.5, 0.0, 0.0]]), 4)),
        Case("twenty rectangles of 16 x 16 pixels", (rng.random((20, 4)), 16)),
        Case(f"an odd size, {size} x {size} pixels", (rng.random((9, 4)), size)),
        Case("every parameter 0 or 1", (corners, 8)),
        Case("thin ones: both sides as short as can be", (rng.random((12, 4)) * [1, 0, 1, 0], 10)),
        Case("wide and low", (rng.random((10, 4)) * [1, 0.1, 0.2, 1] + [0, 0, 0, 0.0], 12)),
        Case("one large picture", (rng.random((1, 4)), 64)),
        Case("a parameter of 1.01", (outside, 16), bad),
        Case("a parameter just below 0", (below, 16), bad),
    ]


def _sides(u: np.ndarray, size: int, left: Callable, right: Callable) -> list[tuple[np.ndarray, np.ndarray]]:
    """First and last edge along the rows and along the columns, in pixels, (N, 1) each."""
    sides, a = [], 2 / size
    for first, second in ((u[:, [0]], u[:, [1]]), (u[:, [2]], u[:, [3]])):
        begin = left(first, a)
        sides.append((size * begin, size * right(begin, second, a)))
    return sides


def _left(u: np.ndarray, a: float) -> np.ndarray:
    return (1 - a) * (1 - np.sqrt(1 - u))


def _right(left: np.ndarray, u: np.ndarray, a: float) -> np.ndarray:
    return left + a + u * (1 - left - a)


def _covered(left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    i = np.arange(size)
    return np.clip(np.minimum(right, i + 1) - np.maximum(left, i), 0, 1)


def _hard(rounding: Callable) -> Callable:
    return lambda left, right, size: _covered(rounding(left), rounding(right), size)


def _centres(left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    centre = np.arange(size) + 0.5
    return ((left <= centre) & (centre < right)).astype(np.float64)


def _touched(left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    return (_covered(left, right, size) > 0).astype(np.float64)


def _unclipped(left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    i = np.arange(size)
    return np.minimum(right, i + 1) - np.maximum(left, i)


def _shifted(left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    i = np.arange(size) - 0.5
    return np.clip(np.minimum(right, i + 1) - np.maximum(left, i), 0, 1)


def _drawn(
    *, left: Callable = _left, right: Callable = _right, covered: Callable = _covered, join: Callable = np.multiply
) -> Callable[[np.ndarray, int], np.ndarray]:
    """Pictures with another rule for the edges, for the share of a pixel, or for joining the two axes."""

    def wrong(u: np.ndarray, size: int) -> np.ndarray:
        rows, columns = (covered(*side, size) for side in _sides(u, size, left, right))
        return join(rows[:, :, None], columns[:, None, :])

    return wrong


def _swapped(u: np.ndarray, size: int) -> np.ndarray:
    return _oracle(u, size).transpose(0, 2, 1)


def _one_axis(u: np.ndarray, size: int) -> np.ndarray:
    return _oracle(u[:, [0, 1, 0, 1]], size)


def _interleaved(u: np.ndarray, size: int) -> np.ndarray:
    return _oracle(u[:, [0, 2, 1, 3]], size)


def _flat(attempt: Attempt) -> bool:
    value, right = attempt.value, attempt.expected
    return value.shape == (len(right), right[0].size) and np.allclose(value, right.reshape(value.shape))


def _accepts(attempt: Attempt) -> bool:
    return accepts("u")(attempt)


QUESTION = Question(
    name="ch02.rectangles",
    title="Pictures that keep their parameters",
    entry="rectangles",
    points=2,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "swapped_axes",
            "Rows and columns are exchanged. The first two parameters belong to the rows, axis 1 of the result; the"
            " sum of the pixels does not show it.",
            _swapped,
        ),
        answers_as(
            "rounded_edges",
            "You rounded the edges to whole pixels, or painted pixels as all or nothing. Then a whole range of"
            " parameters gives one picture and information is lost: a pixel holds the share of its area that is"
            " covered.",
            *(_drawn(covered=_hard(rounding)) for rounding in (np.round, np.floor, np.ceil)),
            _drawn(covered=_centres),
            _drawn(covered=_touched),
        ),
        answers_as(
            "rounded_corners",
            "You joined the two axes by the smaller or the larger of their shares, or by their sum. A pixel that is"
            " half covered along both axes is covered by a quarter: multiply.",
            *(_drawn(join=join) for join in (np.minimum, np.maximum, np.add)),
        ),
        answers_as(
            "not_clipped",
            "Away from the rectangle the overlap of the intervals comes out negative, and two negative ones even make"
            " a covered pixel. Clip each share to [0, 1].",
            _drawn(covered=_unclipped),
        ),
        answers_as(
            "no_root",
            "Your first edge is (1 − a) u₁. The root, 1 − √(1 − u₁), puts as many rectangles at every place as"
            " there are lengths that fit.",
            _drawn(left=lambda u, a: (1 - a) * u),
        ),
        answers_as(
            "no_least_side",
            "Your sides may shrink to nothing, and a picture without a rectangle has lost its other parameters. The"
            " last edge is left + a + u₂ (1 − left − a), with a = 2/size.",
            _drawn(right=lambda left, u, a: left + u * (1 - left)),
            _drawn(left=lambda u, a: 1 - np.sqrt(1 - u), right=lambda left, u, a: left + u * (1 - left)),
        ),
        answers_as(
            "beyond_the_picture",
            "Your last edge is left + a + u₂ (1 − left), which may lie outside the picture, where nothing is drawn."
            " What is left to the right of left + a is 1 − left − a.",
            _drawn(right=lambda left, u, a: left + a + u * (1 - left)),
        ),
        answers_as(
            "half_a_pixel",
            "Your pixel i goes from i − ½ to i + ½, so that the rectangle is half a pixel off and cut at the edge. It"
            " goes from i to i + 1.",
            _drawn(covered=_shifted),
        ),
        answers_as(
            "one_axis_twice",
            "Rows and columns show the same two parameters, and the other two are nowhere in the picture.",
            _one_axis,
        ),
        answers_as(
            "interleaved",
            "You took parameters 1 and 3 for the rows. Rows have the first two, columns the last two.",
            _interleaved,
        ),
        Diagnosis("flat", "The pictures are right, but flat. Keep three axes: (N, size, size).", _flat),
        Diagnosis(
            "no_checks",
            "Parameters outside [0, 1] make NaN, or rectangles that stick out. Raise a ValueError that names u.",
            _accepts,
        ),
    ),
)
