"""Rebuild the 4096-pattern task: bits of a row number, and a label that only the geometry of the sphere decides."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from corelib.datasets import spherical
from corelib.grading.compare import Exact, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as


def _cases(rng: np.random.Generator) -> list[Case]:
    every = np.arange(4096)
    six_lamps = every[_bits(every).sum(1) == 6]
    bad = Raises("ValueError", mentions=("rows",))
    high, low = rng.integers(0, 4096, size=(2, 5))
    high[rng.integers(5)], low[rng.integers(5)] = 4096, -1
    return [
        Case("the two rows of the example by hand", (np.array([711, 917]),)),
        Case("all 4096 rows in order", (every,)),
        Case("300 rows drawn at random", (rng.permutation(every)[:300],)),
        Case("patterns of six lamps", (rng.choice(six_lamps, 60, replace=False),)),
        Case("rows that repeat", (rng.choice(rng.integers(0, 4096, size=5), 40),)),
        Case("a single row", (rng.choice(six_lamps, 1),)),
        Case("no rows at all", (every[:0],)),
        Case("row 4096 with a thirteenth bit", (high,), expect=bad),
        Case("a negative row number", (low,), expect=bad),
    ]


@lru_cache(maxsize=1)
def _task() -> tuple[np.ndarray, np.ndarray]:
    task = spherical.szt_task()
    return task.x.numpy().astype(np.int64), task.y.numpy()


def _right(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = _task()
    return x[rows], y[rows]


def _bits(rows: np.ndarray) -> np.ndarray:
    return (rows[:, None] >> np.arange(11, -1, -1)) & 1


def _rule(k: np.ndarray, a: np.ndarray, c: np.ndarray) -> np.ndarray:
    return 114 * k - 11 * k**2 + 24 * a - 12 * c >= 430


def _relabelled(label: Callable[..., np.ndarray]) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The task relabelled: ``label(k, a, b, c)``, b counting pairs of second neighbours that are both on."""

    def wrong(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, ball = _bits(rows), spherical.icosahedron()
        graphs = (ball.neighbours, ball.second_neighbours, ball.antipodes)
        pairs = [((x @ graph) * x).sum(1) // 2 for graph in graphs]
        return x, label(x.sum(1), *pairs).astype(np.int64)

    return wrong


def _weight(threshold: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    return _relabelled(lambda k, a, b, c: k >= threshold)


def _reads_backwards(attempt: Attempt) -> bool:
    x, right = attempt.value[0], attempt.expected[0]
    return np.array_equal(x, right[:, ::-1]) and not np.array_equal(x, right)


QUESTION = Question(
    name="ch03.szt_task",
    title="Rebuild the 4096-pattern task",
    entry="szt_task",
    points=2,
    cases=_cases,
    oracle=_right,
    compare=Exact(),
    diagnoses=(
        Diagnosis(
            "little_endian",
            "Your bits run from the least significant to the most significant. Column 0 belongs to vertex 0 and holds"
            " the most significant bit: shift each row number by 11, 10, ..., 0, so that the bits of row 1 end in 1.",
            _reads_backwards,
        ),
        answers_as(
            "weight_threshold",
            "Your label depends only on how many lamps are on. That agrees with 87.5 % of the labels at best, wherever"
            " the threshold is: the rule also needs a, the lit neighbours, and c, the lit antipodes.",
            _weight(6),
            _weight(5),
            _weight(7),
        ),
        answers_as(
            "ordered_pairs",
            "You counted each pair twice, as (i, j) and as (j, i). An edge between two lit lamps counts once: halve the"
            " sum over the symmetric matrix, or keep only i < j.",
            _relabelled(lambda k, a, b, c: _rule(k, 2 * a, 2 * c)),
            _relabelled(lambda k, a, b, c: _rule(k, 2 * a, c)),
            _relabelled(lambda k, a, b, c: _rule(k, a, 2 * c)),
        ),
        answers_as(
            "second_neighbours",
            "You counted pairs of second neighbours, two edges apart, whose dot product is -φ. Neighbours share an"
            " edge: their dot product is +φ, and there are 30 such pairs.",
            _relabelled(lambda k, a, b, c: _rule(k, b, c)),
        ),
        answers_as(
            "antipodes_ignored",
            "Your labels are those without the term -12 c. Antipodes are opposite vertices, with dot product -(φ + 2);"
            " each pair with both lamps on lowers the score by 12.",
            _relabelled(lambda k, a, b, c: _rule(k, a, 0 * c)),
        ),
        Diagnosis(
            "no_range_check",
            "You gave a pattern to a row that does not exist. Twelve bits hold 0 to 4095, and shifting drops the"
            " thirteenth bit of 4096 without a word. Check rows first and raise a ValueError that names rows.",
            accepts("rows"),
        ),
    ),
)
