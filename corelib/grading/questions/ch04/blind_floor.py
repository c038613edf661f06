"""What a model of own features cannot know: chapter 4, exercise 3."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.causal import blind_floor, gcn_operator
from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch04._study import dense_mean_operator, draw_graph

Pair = tuple[np.ndarray, np.ndarray]


def _oracle(P: np.ndarray, w: np.ndarray) -> Pair:
    floor = blind_floor(torch.from_numpy(P.copy()), torch.from_numpy(w.copy())).numpy()
    return floor, floor + np.diag(P) ** 2 * (w @ w)


def _cases(rng: np.random.Generator) -> list[Case]:
    edges = draw_graph(rng, 40)
    mean = dense_mean_operator(edges, 40)
    gcn = gcn_operator(torch.from_numpy(edges), 40).to_dense().numpy()
    lonely = dense_mean_operator(edges[:, (edges > 4).all(0)], 40)
    star = np.zeros((5, 5))
    star[0], star[:, 0] = 10**-0.5, 10**-0.5
    np.fill_diagonal(star, [0.2, 0.5, 0.5, 0.5, 0.5])
    w, negative = rng.normal(size=3), -rng.uniform(0.5, 1.5, size=4)
    signed = rng.normal(size=(17, 17))
    return [
        Case(
            "the example by hand: the middle of a path",
            (np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0.0]]), np.array([3.0, 4.0])),
        ),
        Case("a star of four leaves, GCN operator, one feature", (star, np.ones(1))),
        Case("mean over neighbours", (mean, w)),
        Case("GCN operator: a node counts itself, rows do not sum to 1", (gcn, w)),
        Case("mean over neighbours, twice: walks come back", (mean @ mean, w)),
        Case("five nodes without neighbours", (lonely, negative)),
        Case("weights of both signs, not symmetric", (signed, negative)),
        Case("own features decide alone: the floor is 0", (np.diag(rng.uniform(0.5, 2.0, size=6)), w)),
        Case("weights that are 0", (mean, np.zeros(2))),
        Case("an operator that is not square", (mean[:, :30], w), Raises("ValueError", ("P",))),
        Case("weights (d, 1)", (mean, w[:, None]), Raises("ValueError", ("w",))),
    ]


def _off(P: np.ndarray) -> np.ndarray:
    return P - np.diag(np.diag(P))


def _mistaken(
    floor: Callable[[np.ndarray], np.ndarray] = lambda P: (_off(P) ** 2).sum(1),
    variance: Callable[[np.ndarray], np.ndarray] = lambda P: (P**2).sum(1),
    size: Callable[[np.ndarray], float] = lambda w: w @ w,
) -> Callable[..., Pair]:
    return lambda P, w: (size(w) * floor(P), size(w) * variance(P))


def _both(rule: Callable[[np.ndarray], np.ndarray]) -> tuple[Callable[..., Pair], ...]:
    """Both numbers by a mistaken rule, without and with a node itself, or the floor alone by it."""
    return _mistaken(lambda P: rule(_off(P)), rule), _mistaken(lambda P: rule(_off(P)))


def _everywhere(values: np.ndarray) -> np.ndarray:
    return np.full(len(values), values.mean())


QUESTION = Question(
    name="ch04.blind_floor",
    title="What own features cannot tell",
    entry="blind_floor",
    points=2,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "own_included",
            "Your floor counts the node itself: that is the variance of its effect. A blind model knows the node's own"
            " features, so j = i is not random any more. Leave P_ii² out of the floor, and only of the floor.",
            _mistaken(lambda P: (P**2).sum(1)),
        ),
        answers_as(
            "own_left_out",
            "Your variance leaves the node itself out. The floor is over j ≠ i, the variance over all j.",
            _mistaken(variance=lambda P: (_off(P) ** 2).sum(1)),
        ),
        answers_as(
            "row_sums",
            "You summed the row before squaring. Neighbours are independent: their variances add, Σ P_ij², and not"
            " their weights. For the mean of d neighbours that is 1/d, and (Σ P_ij)² would be 1.",
            *_both(lambda P: P.sum(1) ** 2),
            *_both(lambda P: P.sum(1)),
        ),
        answers_as(
            "operator_squared",
            "You squared the matrix, P @ P: that is two steps along the graph. Square its entries, P**2.",
            *_both(lambda P: (P @ P).sum(1)),
            *_both(lambda P: np.diag(P @ P)),
            _mistaken(lambda P: _off(P @ P).sum(1), lambda P: (P @ P).sum(1)),
            _mistaken(lambda P: (_off(P @ P) ** 2).sum(1), lambda P: ((P @ P) ** 2).sum(1)),
            _mistaken(lambda P: _off(P @ P).sum(1)),
            _mistaken(lambda P: (_off(P @ P) ** 2).sum(1)),
            _mistaken(lambda P: np.diag(P @ P) - np.diag(P) ** 2, lambda P: np.diag(P @ P)),
        ),
        answers_as(
            "column_sums",
            "You summed over columns: what a node sends to others. Row i of P says what node i receives; sum over j.",
            *_both(lambda P: (P**2).sum(0)),
        ),
        answers_as(
            "weights_summed",
            "The weights count squared, each for itself: |w|² = Σ w_k², because features are independent. Neither"
            " (Σ w_k)² nor |w|.",
            _mistaken(size=lambda w: w.sum() ** 2),
            _mistaken(size=lambda w: np.sqrt(w @ w)),
            _mistaken(size=lambda w: np.abs(w).sum()),
            _mistaken(size=lambda w: (w**2).mean()),
            _mistaken(size=lambda w: w.sum()),
        ),
        answers_as(
            "weights_forgotten",
            "|w|² is missing.",
            _mistaken(size=lambda w: 1.0),
        ),
        answers_as(
            "one_number_for_all",
            "Every node got the mean over nodes. A hub's neighbours average out and a leaf's do not: give each node its"
            " own floor and variance.",
            _mistaken(lambda P: _everywhere((_off(P) ** 2).sum(1)), lambda P: _everywhere((P**2).sum(1))),
            _mistaken(lambda P: _everywhere((P**2).sum(1)), lambda P: _everywhere((P**2).sum(1))),
            _mistaken(lambda P: _everywhere((P**2).sum(1))),
            _mistaken(lambda P: _everywhere((_off(P) ** 2).sum(1))),
        ),
        answers_as(
            "deviation",
            "You returned standard deviations. The floor is a squared error, and the variance a variance: no root.",
            lambda P, w: tuple(np.sqrt(part) for part in _oracle(P, w)),
        ),
        answers_as(
            "swapped",
            "Both numbers are there, in the other order. Return the floor first, then the variance.",
            lambda P, w: _oracle(P, w)[::-1],
        ),
        answers_as(
            "difference",
            "Your first number is the variance that own features explain, P_ii². The floor is what is left: variance"
            " minus that.",
            _mistaken(lambda P: np.diag(P) ** 2),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names P unless it is square, and one that names w unless it has"
            " one axis.",
            lambda attempt: accepts("P")(attempt) or accepts("w")(attempt),
        ),
    ),
)
