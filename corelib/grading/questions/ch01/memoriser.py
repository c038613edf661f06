"""A lookup table as an encoder, what it knows and what two bounds say of it: chapter 1, exercise 4."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information.generalization import (
    finite_information,
    ib_generalization_bound,
    memoriser_encoder,
    zero_one_loss,
)

Answer = dict[str, np.ndarray | float]


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _seen(labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    seen = np.zeros(len(labels), dtype=bool)
    seen[train] = True
    return seen


def _oracle(labels: np.ndarray, train: np.ndarray, n_classes: int, delta: float) -> Answer:
    n_values, n, seen = len(labels), len(train), _seen(labels, train)
    p_xy, encoder = np.eye(n_classes)[labels] / n_values, memoriser_encoder(labels, seen, n_classes)
    answers = np.concatenate([[0], np.arange(n_classes)])
    loss = zero_one_loss(answers, n_classes)
    log_prior = -math.log(n) - _log_choose(n_values, int(seen.sum()))
    codes = encoder.argmax(1)
    return {
        "codes": codes,
        "information": finite_information(p_xy, encoder).i_xz_given_y,
        "gap": float((answers[codes] != labels).mean() - (answers[codes[train]] != labels[train]).mean()),
        "fixed": ib_generalization_bound(p_xy, encoder, loss, n, delta).value,
        "learned": ib_generalization_bound(p_xy, encoder, loss, n, delta, log_prior=log_prior).value,
    }


def _cases(rng: np.random.Generator) -> list[Case]:
    def balanced(n_values: int, n_classes: int) -> np.ndarray:
        return rng.permutation(np.arange(n_values) % n_classes)

    four, thousand = np.array([0, 0, 1, 1]), balanced(1000, 4)
    even = np.concatenate([rng.choice(np.flatnonzero(thousand == y), 10, replace=False) for y in range(4)])
    skewed = rng.choice(3, size=600, p=[0.2, 0.7, 0.1])
    mostly_one = np.concatenate([np.flatnonzero(skewed == 1)[:60], np.flatnonzero(skewed != 1)[:6]])
    many = balanced(20_000, 5)
    few = balanced(60, 3)
    everything = balanced(12, 3)
    past, before = int(rng.integers(1000, 1100)), -int(rng.integers(1, 5))
    return [
        Case("the example by hand", (four, np.array([2, 2]), 2, 0.05)),
        Case("40 of 1000 values, ten of each label", (thousand, even, 4, 0.05)),
        Case("drawn with many repeats", (few, rng.integers(60, size=80), 3, 0.05)),
        Case("one label far more often seen than others", (skewed, rng.permutation(mostly_one), 3, 0.1)),
        Case("one label never seen", (skewed, rng.permutation(np.flatnonzero(skewed != 2)[:40]), 3, 0.01)),
        Case("200 draws from 20,000 values", (many, rng.integers(20_000, size=200), 5, 0.05)),
        Case("a single pair", (few, rng.integers(60, size=1), 3, 0.05)),
        Case("every value seen: nothing left to guess", (everything, rng.permutation(12), 3, 0.05)),
        Case("delta = 1", (four, np.array([2]), 2, 1.0), Raises("ValueError", ("delta",))),
        Case(
            "a training value past the last one",
            (thousand, np.array([3, past]), 4, 0.05),
            Raises("ValueError", ("train",)),
        ),
        Case("a training value below 0", (thousand, np.array([3, before]), 4, 0.05), Raises("ValueError", ("train",))),
    ]


@dataclass(frozen=True)
class _Table:
    """What the mistaken answers are made of: q is ``(Z, Y)``, the errors are q of the cells that are answered wrong."""

    labels: np.ndarray
    train: np.ndarray
    n_classes: int
    codes: np.ndarray
    q: np.ndarray
    errors: np.ndarray
    n_seen: int

    @property
    def n_values(self) -> int:
        return len(self.labels)

    @property
    def n(self) -> int:
        return len(self.train)

    @property
    def fraction(self) -> float:
        return self.n_seen / self.n_values


def _table(labels: np.ndarray, train: np.ndarray, n_classes: int, first: int = 1) -> _Table:
    seen = _seen(labels, train)
    codes = np.where(seen, labels + first, 0)
    answers = np.concatenate([np.zeros(first, dtype=int), np.arange(n_classes)])
    q = np.zeros((n_classes + first, n_classes))
    np.add.at(q, (codes, labels), 1 / len(labels))
    wrong = answers[:, None] != np.arange(n_classes)
    return _Table(labels, train, n_classes, codes, q, q[wrong & (q > 0)], int(seen.sum()))


def _information(t: _Table) -> float:
    return float(entr(t.q).sum() - entr(t.q.sum(0)).sum())


def _price(t: _Table) -> float:
    return math.log(t.n) + _log_choose(t.n_values, t.n_seen)


def _cells(t: _Table) -> int:
    return int((t.q > 0).sum())


def _bound(t: _Table, cells: float, delta: float, price: float) -> float:
    return float(np.sqrt(2 * t.errors).sum() * math.sqrt((math.log(cells) - math.log(delta) + price) / t.n))


def _mistaken(
    *,
    first: int = 1,
    information: Callable[[_Table], float] = _information,
    gap: Callable[[_Table], float] = lambda t: float(t.errors.sum()),
    cells: Callable[[_Table], float] = _cells,
    price: Callable[[_Table], float] = _price,
    learned: Callable[[_Table, float, float, float], float] = _bound,
    fixed: Callable[[_Table, float, float, float], float] = _bound,
) -> Callable[..., Answer]:
    """The answer with one of its parts exchanged; ``first`` is the code of the first label."""

    def wrong(labels: np.ndarray, train: np.ndarray, n_classes: int, delta: float) -> Answer:
        t = _table(labels, train, n_classes, first)
        return {
            "codes": t.codes,
            "information": information(t),
            "gap": gap(t),
            "fixed": fixed(t, cells(t), delta, 0.0),
            "learned": learned(t, cells(t), delta, price(t)),
        }

    return wrong


def _label_entropy_on_training(t: _Table, *, distinct: bool) -> float:
    seen = np.unique(t.train) if distinct else t.train
    return float(entr(np.bincount(t.labels[seen]) / len(seen)).sum())


def _whole(t: _Table) -> float:
    return float(entr(t.q.sum(1)).sum())


def _in_bits(function: Callable[[_Table], float]) -> Callable[[_Table], float]:
    return lambda t: function(t) / math.log(2)


def _base_2(t: _Table, cells: float, delta: float, price: float) -> float:
    return _bound(t, cells, delta, price) / math.sqrt(math.log(2))


def _by_distinct(t: _Table, cells: float, delta: float, price: float) -> float:
    return _bound(t, cells, delta, price) * math.sqrt(t.n / t.n_seen)


def _outside(added: Callable[[_Table, float], float]) -> Callable[[_Table, float, float, float], float]:
    return lambda t, cells, delta, price: _bound(t, cells, delta, 0.0) + added(t, price)


def _weight(t: _Table) -> float:
    return float(np.sqrt(2 * t.errors).sum())


QUESTION = Question(
    name="ch01.memoriser",
    title="The memoriser",
    entry="memoriser",
    points=4,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "code_collision",
            "Label 0 and “not in the table” have the same code. Code 0 is for values that are not in it; a value in the"
            " table has its label + 1.",
            _mistaken(first=0),
        ),
        answers_as(
            "information_on_training",
            "You measured I(X;Z|Y) on the training points. All of them are in the table, where the code is the label,"
            " and so it looks as if nothing were kept beyond it. The theorem means a fresh X: take all values, equally"
            " likely.",
            _mistaken(information=lambda t: 0.0),
            _mistaken(information=lambda t: _label_entropy_on_training(t, distinct=True)),
            _mistaken(information=lambda t: _label_entropy_on_training(t, distinct=False)),
        ),
        answers_as(
            "not_conditioned",
            "This is I(X;Z), all that the code tells of the input. Asked is what it tells beyond the label:"
            " I(X;Z|Y) = H(Z|Y), the code being a function of the input.",
            _mistaken(information=_whole),
        ),
        answers_as(
            "about_the_label",
            "This is I(Y;Z), what the code tells of the label. Asked is the rest, I(X;Z|Y) = I(X;Z) − I(Y;Z).",
            _mistaken(information=lambda t: _whole(t) - _information(t)),
        ),
        answers_as(
            "labels_pooled",
            "You took h(f) with one share f for all labels. Training sets are uneven: average h(f_y) over the labels,"
            " f_y the share of the values of label y that is in the table.",
            _mistaken(information=lambda t: float(entr(t.fraction) + entr(1 - t.fraction))),
        ),
        answers_as(
            "prior_after_data",
            "Your prior was chosen with the training set in hand: it gives this very table probability 1, or shares it"
            " out among tables of training values only. Such a price is no price. Before the set is drawn every value"
            " may turn up in it: 1/n · 1/C(A, k).",
            _mistaken(price=lambda t: 0.0),
            _mistaken(price=lambda t: math.log(t.n)),
            _mistaken(price=lambda t: t.n_seen * math.log(2)),
            _mistaken(price=lambda t: _log_choose(t.n, t.n_seen)),
            _mistaken(price=lambda t: math.log(t.n) + _log_choose(t.n, t.n_seen)),
        ),
        answers_as(
            "size_from_data",
            "Your prior shares out its probability among tables of k values, and k, how many different values were"
            " drawn, is known only afterwards. The sizes 1 to n need a share each: add ln n to the price.",
            _mistaken(price=lambda t: _log_choose(t.n_values, t.n_seen)),
        ),
        answers_as(
            "repeats_counted",
            "You counted draws where different values count. A value drawn twice is in the table once: its size is k ="
            " seen.sum(), at most n.",
            _mistaken(price=lambda t: math.log(t.n) + _log_choose(t.n_values, min(t.n, t.n_values))),
            _mistaken(price=lambda t: _log_choose(t.n_values, min(t.n, t.n_values))),
        ),
        answers_as(
            "price_in_order",
            "You priced ordered lists of values, k ln A or n ln A. A table has no order: there are C(A, k) of them, and"
            " ln k! is given back.",
            _mistaken(price=lambda t: math.log(t.n) + t.n_seen * math.log(t.n_values)),
            _mistaken(price=lambda t: t.n_seen * math.log(t.n_values)),
            _mistaken(price=lambda t: t.n * math.log(t.n_values)),
        ),
        answers_as(
            "price_outside_the_root",
            "You added the price outside the root. It takes the place of a smaller δ, that of this table alone:"
            " √((ln M + ln(1/δ) + price)/n).",
            _mistaken(learned=_outside(lambda t, price: price / t.n)),
            _mistaken(learned=_outside(lambda t, price: _weight(t) * price / t.n)),
            _mistaken(learned=_outside(lambda t, price: math.sqrt(price / t.n))),
            _mistaken(learned=_outside(lambda t, price: _weight(t) * math.sqrt(price / t.n))),
        ),
        answers_as(
            "bits",
            "Some of these are bits. Information, price and the logarithms under the root are natural ones.",
            _mistaken(information=_in_bits(_information)),
            _mistaken(price=_in_bits(_price)),
            _mistaken(information=_in_bits(_information), price=_in_bits(_price)),
            _mistaken(information=_in_bits(_information), fixed=_base_2, learned=_base_2),
        ),
        answers_as(
            "no_lucky_guesses",
            "You counted every value outside the table as an error. The guess, label 0, is right for those that have"
            " that label.",
            _mistaken(gap=lambda t: 1 - t.fraction),
        ),
        answers_as(
            "uniform_labels",
            "(1 − f)(1 − 1/C) is the gap where every label has its equal share of the values outside the table. Here"
            " they are uneven: count those that do not have label 0.",
            _mistaken(gap=lambda t: (1 - t.fraction) * (1 - 1 / t.n_classes)),
        ),
        answers_as(
            "unseen_only",
            "Your test error is one among values outside the table. A fresh value may well be in it: divide by all A.",
            _mistaken(gap=lambda t: float(t.errors.sum() / (1 - t.fraction)) if t.fraction < 1 else 0.0),
        ),
        answers_as(
            "impossible_cells_counted",
            "Your M counts cells that never occur. A value in the table has the code of its own label and no other:"
            " count the cells with q > 0.",
            _mistaken(cells=lambda t: t.q.size),
            _mistaken(cells=lambda t: 2 * t.n_classes),
        ),
        answers_as(
            "codes_counted",
            "Your M counts codes. Code 0 makes a cell (0, y) with every label that has values outside the table.",
            _mistaken(cells=lambda t: t.q.shape[0]),
            _mistaken(cells=lambda t: int((t.q.sum(1) > 0).sum())),
        ),
        answers_as(
            "different_values_for_n",
            "You divided by the number of different values under the root. n is the number of training pairs, repeats"
            " included: those are the independent draws.",
            _mistaken(fixed=_by_distinct, learned=_by_distinct),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes without a word. Raise a ValueError that names delta unless 0 < delta < 1, and one that"
            " names train unless all of it lies in 0 .. A − 1: numpy counts a negative index from the end.",
            lambda attempt: accepts("delta")(attempt) or accepts("train")(attempt),
        ),
    ),
)
