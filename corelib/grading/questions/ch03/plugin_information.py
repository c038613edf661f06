"""Plug-in information of a digitised layer: count whole rows of bin numbers, and rows together with labels."""

import itertools
from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as
from corelib.grading.questions.ch03._layers import bins_of, edges_of, relu_layer
from corelib.information.binning import coded_information

Pair = tuple[float, float]


def _cases(rng: np.random.Generator) -> list[Case]:
    skewed = rng.choice(3, size=500, p=(0.15, 0.25, 0.6))
    h = relu_layer(rng, 500, 3) + 0.5 * skewed[:, None]
    layer = bins_of(h, edges_of(h, 30, 0.0))
    twins = rng.integers(0, 6, size=(300, 1)) + np.zeros((1, 4), dtype=np.int64)
    two = (rng.uniform(size=300) < 0.2 + 0.1 * twins[:, 0]).astype(np.int64)
    negative, coin = rng.integers(-10, -4, size=(400, 3)), rng.integers(0, 2, size=400)
    wide, alternating = _wide_rows(rng)
    order = rng.permutation(256)
    distinct, five = np.stack([order // 16, order % 16], axis=1), rng.integers(0, 5, size=256)
    return [
        Case("the example by hand", (np.array([[0, 1], [0, 1], [2, 0], [2, 3]]), np.array([0, 0, 1, 1]))),
        Case("three classes of different size", (layer, skewed)),
        Case("four units that repeat each other", (twins, two)),
        Case("bin numbers below 0", (negative, coin)),
        Case("three classes called -1 and 5 and 7", (layer[:, :2] // 4, np.array([-1, 5, 7])[skewed])),
        Case("40 units in 30 bins each", (wide, alternating)),
        Case("every row the same", (np.full((50, 2), 3), rng.integers(0, 3, size=50))),
        Case("every row different", (distinct, five)),
        Case("one class only", (layer[:100], np.ones(100, dtype=np.int64))),
        Case("one sample", (np.array([[4, 0, 2]]), np.array([1]))),
        Case("more labels than rows", (layer[:50], skewed[:51]), expect=Raises("ValueError", mentions=("y",))),
    ]


def _wide_rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 40 digits in base 30 that a too narrow number takes for one another, with labels that tell them apart.

    Read as a number in base 30, from either end, some differ by 2**64 (equal as int64), some by 1 (equal as float64),
    some in a leading digit (equal in int64 when a digit is given 5 or 6 bits).
    """
    numbers = [int.from_bytes(rng.bytes(24), "little") for _ in range(12)]  # 192 bits each; 30**40 has 197
    numbers = [number + step for number in numbers for step in (0, 1, 2**64, 30**38)]
    digits = np.array([[number // 30**place % 30 for place in range(40)] for number in numbers])
    ends = np.array([[0] * 40, [29] * 40])  # every alphabet is 0 .. 29
    labels = np.tile([0, 1, 1, 1], 24)
    return np.concatenate([digits, digits[:, ::-1], ends]), np.append(labels, [0, 1])


def _right(bins: np.ndarray, y: np.ndarray) -> Pair:
    found = coded_information(torch.from_numpy(bins)[None], torch.from_numpy(y))
    return float(found.ixt_bits), float(found.iyt_bits)


def _entropy(rows: np.ndarray) -> float:
    rows = rows.reshape(len(rows), -1)
    p = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return float(-(p * np.log2(p)).sum())


def _ranks(rows: np.ndarray) -> np.ndarray:
    return np.unique(rows.reshape(len(rows), -1), axis=0, return_inverse=True)[1].reshape(-1)


def _within_classes(bins: np.ndarray, y: np.ndarray) -> list[Pair]:
    """Share of each class, and the entropy of T within it in bits."""
    return [(float((y == label).mean()), _entropy(bins[y == label])) for label in np.unique(y)]


def _nats(bins: np.ndarray, y: np.ndarray) -> Pair:
    ixt, iyt = _right(bins, y)
    return float(ixt * np.log(2)), float(iyt * np.log(2))


def _swapped(bins: np.ndarray, y: np.ndarray) -> Pair:
    return _right(bins, y)[::-1]


def _unweighted(bins: np.ndarray, y: np.ndarray) -> Pair:
    ixt = _right(bins, y)[0]
    return ixt, ixt - float(np.mean([inside for _, inside in _within_classes(bins, y)]))


def _conditional(bins: np.ndarray, y: np.ndarray) -> Pair:
    return _right(bins, y)[0], sum(share * inside for share, inside in _within_classes(bins, y))


def _sums_units(attempt: Attempt) -> bool:
    """Whether the first number is the sum of the units' entropies; what became of the second does not matter."""
    total = sum(map(_entropy, attempt.case.args[0].T))
    return abs(attempt.value[0] - total) < 1e-6 < abs(attempt.expected[0] - total)


def _packed(bins: np.ndarray, *, base: int | None = None, last_first: bool = False, dtype: type = np.int64):
    """One number a row by positional digits; where there are many, int64 wraps around and float64 rounds."""
    digits = bins - bins.min()
    base = base or int(digits.max()) + 1
    codes = np.zeros(len(bins), dtype=dtype)
    for digit in (digits[:, ::-1] if last_first else digits).T:
        codes = codes * base + digit
    return codes


def _packings() -> list[dict]:
    return [{"base": b, "last_first": last} for b, last in itertools.product((None, 30, 32, 64), (False, True))]


def _overflowing(**packing) -> Callable[..., Pair]:
    def wrong(bins: np.ndarray, y: np.ndarray) -> Pair:
        codes = _packed(bins, **packing)
        return _entropy(codes), _entropy(codes) + _entropy(y) - _entropy(np.stack([codes, _ranks(y)], axis=1))

    return wrong


def _one_bit(codes_of: Callable[[np.ndarray], np.ndarray], join: Callable, labels_of: Callable) -> Callable[..., Pair]:
    """A wrong function that joins code and label as if a label had one bit."""

    def wrong(bins: np.ndarray, y: np.ndarray) -> Pair:
        ixt = _right(bins, y)[0]
        return ixt, ixt + _entropy(y) - _entropy(join(2 * codes_of(bins), labels_of(y)))

    return wrong


def _one_bit_ways() -> tuple[Callable[..., Pair], ...]:
    codes = [_ranks, *(lambda bins, p=p: _packed(bins, **p) for p in _packings())]
    joins, labels = (np.bitwise_or, np.add), (_ranks, np.asarray)
    return tuple(_one_bit(*way) for way in itertools.product(codes, joins, labels))


QUESTION = Question(
    name="ch03.plugin_information",
    title="Plug-in information of a digitised layer",
    entry="plugin_information",
    points=3,
    cases=_cases,
    oracle=_right,
    compare=Close(),
    diagnoses=(
        answers_as(
            "nats",
            "These are nats, 0.693 times the right numbers. The question asks for bits: use log2, or divide by ln 2.",
            _nats,
        ),
        Diagnosis(
            "sum_of_marginals",
            "You added up the entropies of the units, which counts twice what two units share. T is the whole row:"
            " count equal rows, for example with np.unique(bins, axis=0, return_counts=True).",
            _sums_units,
        ),
        answers_as(
            "swapped",
            "Both numbers are right, in the wrong order: return (ixt, iyt).",
            _swapped,
        ),
        answers_as(
            "unweighted_conditional",
            "You averaged the entropies within the classes as if all classes were equally large. H(T|Y) weights class y"
            " by its share n_y / N of the samples.",
            _unweighted,
        ),
        answers_as(
            "conditional_entropy",
            "Your second number is H(T|Y), what stays unknown of T when the label is given. The information is what the"
            " label takes away: I(Y;T) = H(T) - H(T|Y).",
            _conditional,
        ),
        answers_as(
            "one_bit_labels",
            "You packed the label into one bit, which merges classes as soon as there are more than two: label 2 spills"
            " into the bits of the code. Make room for C classes (code * C + label, labels 0 .. C-1), or count the rows"
            " of np.column_stack([bins, y]).",
            *_one_bit_ways(),
        ),
        answers_as(
            "overflow",
            "Your row codes no longer fit: 40 digits in base 30 need 197 bits, but an int64 wraps around after 63 and a"
            " float rounds after 53, so that different rows share a code. Count the rows themselves (np.unique with"
            " axis=0), or replace the codes by their ranks every few units.",
            *(_overflowing(**p, dtype=dtype) for p in _packings() for dtype in (np.int64, np.float64)),
        ),
        Diagnosis(
            "log_of_zero",
            "A symbol that never occurs has p = 0, and 0 * log2(0) is NaN in numpy although its limit is 0. Sum over"
            " the symbols that occur.",
            lambda attempt: bool(np.isnan(attempt.value).any()),
        ),
    ),
)
