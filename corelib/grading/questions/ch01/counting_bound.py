"""A generalization bound by counting the cells of code and label: chapter 1, exercise 3."""

import math
from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information.generalization import ib_generalization_bound, typical_cells

Terms = dict[str, float | int]


def _oracle(q: np.ndarray, loss: np.ndarray, counts: np.ndarray, atypical_mass: float, delta: float) -> Terms:
    # The code itself is the input here, so that q is the joint distribution of input and label.
    n = int(counts.sum())
    terms = ib_generalization_bound(q, np.eye(len(q)), loss, n, delta, atypical_mass=atypical_mass)
    return {
        "gap": _gap(q, loss, counts),
        "cells": terms.cells,
        "weight": terms.weight,
        "atypical": terms.atypical,
        "bound": terms.value,
    }


def _gap(q: np.ndarray, loss: np.ndarray, counts: np.ndarray) -> float:
    return float((loss * (q - counts / counts.sum())).sum())


def _world(rng: np.random.Generator, codes: int, labels: np.ndarray) -> np.ndarray:
    """Joint probabilities with the given shares of the labels; every code given a label is between rare and common."""
    given_y = rng.permuted(np.geomspace(1, 0.02, codes)[:, None] * rng.uniform(0.8, 1.2, (codes, len(labels))), axis=0)
    return given_y / given_y.sum(0) * labels


def _cases(rng: np.random.Generator) -> list[Case]:
    wrong = np.array([[0.0, 1.0], [1.0, 0.0]])
    small = np.array([[0.4, 0.1], [0.1, 0.4]])
    noisy = np.array([[1, 0], [0.5, 0.5], [0, 1]]).T @ np.array([[0.3, 0.1], [0.1, 0.1], [0.05, 0.35]])
    counts_small = np.array([[45, 8], [7, 40]])

    labels = np.array([0.65, 0.25, 0.1])
    skewed = _world(rng, 12, labels)
    skewed_loss = rng.uniform(0.2, 3.0, skewed.shape)
    holes = _world(rng, 8, labels)
    holes[rng.permuted(np.tile(np.arange(8) < 4, (3, 1)), axis=1).T] = 0.0
    holes /= holes.sum()
    uniform, uniform_loss = np.full((8, 2), 1 / 16), rng.uniform(0.5, 1.5, (8, 2))
    many = _world(rng, 200, np.array([0.5, 0.3, 0.2]))

    def drawn(q: np.ndarray, n: int) -> np.ndarray:
        return rng.multinomial(n, q.ravel()).reshape(q.shape)

    share = float(rng.uniform(0.1, 0.2))
    plain = (small, wrong, counts_small)
    return [
        Case("the example by hand, all cells typical", (*plain, 0.0, 0.05)),
        Case("the example by hand, a quarter may be left out", (*plain, 0.25, 0.05)),
        Case("a noisy encoder of three inputs, 1000 pairs", (noisy, wrong, drawn(noisy, 1000), 0.0, 0.05)),
        Case("three labels of very different shares", (skewed, skewed_loss, drawn(skewed, 400), share, 0.01)),
        Case(
            "30 pairs only, so that possible cells are not seen", (skewed, skewed_loss, drawn(skewed, 30), share, 0.1)
        ),
        Case("half of the cells are impossible", (holes, skewed_loss[:8], drawn(holes, 300), 0.0, 0.05)),
        Case("half are impossible, and some are left out", (holes, skewed_loss[:8], drawn(holes, 300), share, 0.05)),
        Case("all codes are equally probable: the first ones", (uniform, uniform_loss, drawn(uniform, 100), 0.3, 0.05)),
        Case("200 codes", (many, rng.uniform(0, 1, many.shape), drawn(many, 5000), share, 0.05)),
        Case("a decoder without loss", (skewed, np.zeros_like(skewed), drawn(skewed, 50), share, 0.05)),
        Case("delta = 1 and no promise left", (*plain, 0.0, 1.0), Raises("ValueError", ("delta",))),
        Case("delta = 0", (*plain, 0.0, 0.0), Raises("ValueError", ("delta",))),
        Case("probabilities that sum to 2", (2 * small, wrong, counts_small, 0.0, 0.05), Raises("ValueError", ("q",))),
        Case("a negative loss", (small, -wrong, counts_small, 0.0, 0.05), Raises("ValueError", ("loss",))),
    ]


def _root(q: np.ndarray) -> np.ndarray:
    return np.sqrt(2 * q)


def _rate(cells: int, n: int, delta: float) -> float:
    return math.sqrt((math.log(cells) - math.log(delta)) / n)


def _bound(weight: float, atypical: float, cells: int, n: int, delta: float) -> float:
    return weight * _rate(cells, n, delta) + atypical


def _mistaken(
    *,
    typical: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda q, counts, share: typical_cells(q, share),
    root: Callable[[np.ndarray], np.ndarray] = _root,
    left: Callable[[np.ndarray], np.ndarray] = lambda q: q,
    count: Callable[[np.ndarray, np.ndarray], int] = lambda q, cells: int(cells.sum()),
    bound: Callable[[float, float, int, int, float], float] = _bound,
    gap: Callable[[np.ndarray, np.ndarray, np.ndarray], float] = _gap,
) -> Callable[..., Terms]:
    """The bound with one of its parts exchanged."""

    def wrong(q: np.ndarray, loss: np.ndarray, counts: np.ndarray, share: float, delta: float) -> Terms:
        cells = typical(q, counts, share)
        weight, atypical = float((loss * root(q))[cells].sum()), float((loss * left(q))[~cells].sum())
        number, n = count(q, cells), int(counts.sum())
        return {
            "gap": gap(q, loss, counts),
            "cells": number,
            "weight": weight,
            "atypical": atypical,
            "bound": float(bound(weight, atypical, number, n, delta)),
        }

    return wrong


def _observed(q: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    return typical_cells(counts / counts.sum(), share)


def _greedy(masses: np.ndarray, enough: np.ndarray | float, *, short: bool = False) -> np.ndarray:
    """Along axis 0 the largest masses until there is enough; ``short`` stops before the one that makes it enough."""
    order = np.argsort(-masses, axis=0, kind="stable")
    falling = np.take_along_axis(masses, order, axis=0)
    total = np.cumsum(falling, axis=0)
    kept = (total <= enough if short else total - falling < enough) & (falling > 0)
    cells = np.zeros(masses.shape, dtype=bool)
    np.put_along_axis(cells, order, kept, axis=0)
    return cells


def _over_all(q: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    return _greedy(q.reshape(-1, 1), 1 - share).reshape(q.shape)


def _least(q: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    order = np.argsort(q, axis=0, kind="stable")
    rising = np.take_along_axis(q, order, axis=0)
    kept = (np.cumsum(rising, axis=0) - rising < (1 - share) * q.sum(0)) & (rising > 0)
    cells = np.zeros(q.shape, dtype=bool)
    np.put_along_axis(cells, order, kept, axis=0)
    return cells


def _given_label(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda q: function(q / q.sum(0))


def _accepts_bad_input(attempt: Attempt) -> bool:
    return accepts("delta")(attempt) or accepts("q")(attempt) or accepts("loss")(attempt)


QUESTION = Question(
    name="ch01.counting_bound",
    title="Prove it by counting",
    entry="counting_bound",
    points=4,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "conditional_probability",
            "You took the probability of the code given the label, p(z|y), where the joint probability q(z, y) belongs."
            " What is counted is the pair: a rare label makes rare cells. q(z, y) = P(y) p(z|y).",
            _mistaken(root=_given_label(_root)),
            _mistaken(root=_given_label(_root), left=_given_label(lambda p: p)),
        ),
        answers_as(
            "base_2_logs",
            "You took logarithms in base 2. Chernoff's bound is a power of e, so the root holds natural ones:"
            " ln M + ln(1/δ).",
            _mistaken(bound=lambda g, a, m, n, d: g * math.sqrt((math.log2(m) - math.log2(d)) / n) + a),
            _mistaken(bound=lambda g, a, m, n, d: g * math.sqrt((math.log2(m) - math.log(d)) / n) + a),
        ),
        answers_as(
            "atypical_dropped",
            "Your bound has no A. The cells that are not typical are not free: there the training set may show nothing"
            " at all, and they cost all of their expected loss, Σ ℓ q.",
            _mistaken(bound=lambda g, a, m, n, d: g * _rate(m, n, d)),
            _mistaken(left=np.zeros_like),
        ),
        answers_as(
            "typical_from_sample",
            "You chose the typical cells by the counts of the training set. The union over cells is one over cells that"
            " were fixed before it was drawn: choose them by q. Cells that were never seen are the ones to fear.",
            _mistaken(typical=_observed),
            _mistaken(typical=lambda q, counts, share: counts > 0),
            _mistaken(typical=lambda q, counts, share: typical_cells(q, share) & (counts > 0)),
        ),
        answers_as(
            "impossible_cells_counted",
            "Your M counts cells of probability 0. They never occur, so nothing can go wrong there: count typical cells"
            " with q > 0 only.",
            _mistaken(count=lambda q, cells: q.size),
            _mistaken(typical=lambda q, counts, share: typical_cells(q, share) | (q == 0)),
            _mistaken(typical=lambda q, counts, share: typical_cells(q, share) | ((q == 0) & (share == 0))),
            _mistaken(count=lambda q, cells: q.size if cells.sum() == (q > 0).sum() else int(cells.sum())),
        ),
        answers_as(
            "outside_the_root",
            "(ln M)/n stands outside your root. Each cell fails with probability δ/M, and its t is"
            " √(2q ln(M/δ)/n): the whole ln M + ln(1/δ) belongs under one root.",
            _mistaken(bound=lambda g, a, m, n, d: g * _rate(1, n, d) + math.log(m) / n + a),
            _mistaken(bound=lambda g, a, m, n, d: g * (_rate(1, n, d) + math.log(m) / n) + a),
            _mistaken(bound=lambda g, a, m, n, d: g * (_rate(1, n, d) + math.sqrt(math.log(m) / n)) + a),
        ),
        answers_as(
            "no_root",
            "The root over (ln M + ln(1/δ))/n is missing.",
            _mistaken(bound=lambda g, a, m, n, d: g * _rate(m, n, d) ** 2 + a),
        ),
        answers_as(
            "no_union",
            "ln M is missing: your bound is that of one cell chosen beforehand. M cells may fail, so give each δ/M.",
            _mistaken(bound=lambda g, a, m, n, d: g * _rate(1, n, d) + a),
        ),
        answers_as(
            "all_cells_counted",
            "Your M counts every possible cell. Those outside the typical set do not take part in the union: they are"
            " paid for in A.",
            _mistaken(count=lambda q, cells: int((q > 0).sum())),
        ),
        answers_as(
            "typical_codes_counted",
            "Your M counts codes. A code that is typical for two labels makes two cells (z, y), and both may fail.",
            _mistaken(count=lambda q, cells: int(cells.any(1).sum())),
        ),
        answers_as(
            "factor_of_two",
            "The 2 in √(2q) is not in its place. Chernoff's lower tail e^(−n t²/(2q)) = δ/M gives t = √(2q ln(M/δ)/n).",
            _mistaken(root=np.sqrt),
            _mistaken(root=lambda q: np.sqrt(q / 2)),
            _mistaken(root=lambda q: 2 * np.sqrt(q)),
        ),
        answers_as(
            "no_root_of_q",
            "You weighted the typical cells by q. That is their share in the expected loss; their uncertainty is the"
            " larger √(2q).",
            _mistaken(root=lambda q: q),
            _mistaken(root=lambda q: 2 * q),
        ),
        answers_as(
            "over_all_labels",
            "You collected the most probable cells of the whole table, and so a rare label may have none. Choose codes"
            " for each label apart, down its own column.",
            _mistaken(typical=_over_all),
        ),
        answers_as(
            "label_share_forgotten",
            "You compared the mass collected in a column of q with 1 − atypical_mass. A column sums to P(y) and not to"
            " 1, so that nothing was ever enough: compare with (1 − atypical_mass) P(y).",
            _mistaken(typical=lambda q, counts, share: _greedy(q, 1 - share)),
        ),
        answers_as(
            "one_code_short",
            "Your typical codes stop before their mass reaches 1 − atypical_mass. The code with which it gets there is"
            " typical, too.",
            _mistaken(typical=lambda q, counts, share: _greedy(q, (1 - share) * q.sum(0), short=True)),
        ),
        answers_as(
            "least_probable_first",
            "You collected the least probable codes first: np.argsort sorts upwards. The typical set is made of the"
            " fewest codes, so begin with the most probable.",
            _mistaken(typical=_least),
        ),
        answers_as(
            "gap_unsigned",
            "You took the gap's absolute value, or summed those of the cells. The gap has a sign, and the bound is one"
            " from above only.",
            _mistaken(gap=lambda q, loss, counts: abs(_gap(q, loss, counts))),
            _mistaken(gap=lambda q, loss, counts: float(np.abs(loss * (q - counts / counts.sum())).sum())),
        ),
        answers_as(
            "gap_reversed",
            "Your gap is training loss minus test loss. It is test minus training, above 0 when the decoder fits its"
            " training set too well.",
            _mistaken(gap=lambda q, loss, counts: -_gap(q, loss, counts)),
        ),
        answers_as(
            "test_loss_for_gap",
            "Your gap is the test loss. Subtract the training loss, Σ ℓ N/n.",
            _mistaken(gap=lambda q, loss, counts: float((loss * q).sum())),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes without a word. Raise a ValueError that names delta unless 0 < delta < 1, one that names"
            " q unless it sums to 1 within 1e-8, and one that names loss if any loss is below 0.",
            _accepts_bad_input,
        ),
    ),
)
