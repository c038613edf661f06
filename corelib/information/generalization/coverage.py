"""Does the finite bound hold, and when not? Worlds drawn at random, and a memoriser that breaks its assumption.

In a drawn world everything is known: training sets are drawn by the hundred, the best decoder for each is fitted, and
its gap is compared with the bound. The memoriser's encoder was built from the training set itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from corelib.information.generalization.finite_world import (
    as_joint,
    finite_information,
    ib_generalization_bound,
    require_count,
    union_bound_over_decoders,
)


@dataclass(frozen=True)
class CoverageStudy:
    """Gaps and bounds for S code sizes and D training sets; losses are error rates.

    Attributes:
        code_sizes: number of codes, shape ``(S,)``.
        information: I(X;Z|Y) of each code in nats, shape ``(S,)``.
        gaps: test error minus training error of the fitted decoder, shape ``(S, D)``.
        errors: its test error, shape ``(S, D)``.
        weights: G of its loss, shape ``(S, D)``.
        bounds: the information bound for that decoder, shape ``(S, D)``.
        union_bounds: the bound over all decoders alike, shape ``(S,)``.
    """

    code_sizes: np.ndarray
    information: np.ndarray
    gaps: np.ndarray
    errors: np.ndarray
    weights: np.ndarray
    bounds: np.ndarray
    union_bounds: np.ndarray

    @property
    def violations(self) -> np.ndarray:
        """Share of training sets whose gap exceeds the bound, shape ``(S,)``; it should not exceed delta."""
        return (self.gaps > self.bounds).mean(1)


@dataclass(frozen=True)
class Memoriser:
    """A lookup table as an encoder: what it knows, how it generalizes, and what two bounds say.

    Attributes:
        fraction_seen: share of the input values that are in the table.
        information: I(X;Z|Y) over the whole world, nats.
        train_error: error rate on the training set.
        gap: test error minus training error.
        fixed_bound: the bound as if the encoder had been fixed beforehand. It was not, so nothing is promised.
        learned_bound: the bound that pays for the choice of the table.
        log_prior: ln of the probability that this table had beforehand, nats.
    """

    fraction_seen: float
    information: float
    train_error: float
    gap: float
    fixed_bound: float
    learned_bound: float
    log_prior: float


def draw_world(n_inputs: int, n_classes: int, concentration: float, rng: np.random.Generator | int) -> np.ndarray:
    """A random world: equally likely inputs, each with its own label probabilities.

    Args:
        n_inputs: X, >= 1.
        n_classes: Y, >= 1.
        concentration: parameter of the symmetric Dirichlet distribution of p(y|x), > 0. Near 0 an input has one label,
            at large values all labels alike.
        rng: generator, or a seed for one.

    Returns:
        Joint probabilities, shape ``(X, Y)``, sum 1.

    Raises:
        ValueError: an argument outside its range.
        TypeError: a count that is not an integer.
    """
    require_count("n_inputs", n_inputs)
    require_count("n_classes", n_classes)
    if not 0 < concentration < math.inf:
        raise ValueError(f"concentration is {concentration}; expected a finite number > 0")
    return np.random.default_rng(rng).dirichlet(np.full(n_classes, concentration), n_inputs) / n_inputs


def hash_encoder(n_inputs: int, n_symbols: int) -> np.ndarray:
    """A deterministic code that knows nothing of labels: input x gets code x modulo ``n_symbols``.

    Args:
        n_inputs: X, >= 1.
        n_symbols: Z, >= 1.

    Returns:
        p(z|x) in {0, 1}, shape ``(X, Z)``.

    Raises:
        ValueError: a count below 1.
        TypeError: a count that is not an integer.
    """
    require_count("n_inputs", n_inputs)
    require_count("n_symbols", n_symbols)
    return np.eye(n_symbols)[np.arange(n_inputs) % n_symbols]


def majority_decoder(counts: np.ndarray) -> np.ndarray:
    """The decoder of least training error: each code gets the label it was seen with most often.

    Args:
        counts: training pairs (or probabilities) of each code and label, shape ``(..., Z, Y)``, >= 0.

    Returns:
        Labels, int64, shape ``(..., Z)``; the lowest among equals, hence 0 for a code that was never seen.

    Raises:
        ValueError: negative, NaN or infinite counts, or fewer than two axes.
    """
    counts = np.asarray(counts)
    if counts.ndim < 2 or not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError(f"counts has shape {counts.shape}; expected finite numbers >= 0 of shape (..., Z, Y)")
    return np.argmax(counts, axis=-1)


def zero_one_loss(decoder: np.ndarray, n_classes: int) -> np.ndarray:
    """1 where the decoder's answer is wrong: ``loss[z, y] = (g(z) != y)``.

    Args:
        decoder: answers g(z), integers in [0, Y), shape ``(..., Z)``.
        n_classes: Y.

    Returns:
        Losses in {0, 1}, float64, shape ``(..., Z, Y)``.

    Raises:
        ValueError: an answer outside [0, Y).
        TypeError: answers that are not integers.
    """
    return (_as_classes("decoder", decoder, n_classes)[..., None] != np.arange(n_classes)).astype(np.float64)


def coverage_study(
    p_xy: np.ndarray,
    code_sizes: Sequence[int],
    n: int,
    delta: float,
    *,
    n_draws: int,
    rng: np.random.Generator | int,
) -> CoverageStudy:
    """Gap against bound for hash codes of several sizes, over many training sets from one world.

    The same training sets serve every size. Decoders are fitted to them by :func:`majority_decoder`; encoders are not.

    Args:
        p_xy: joint probabilities of input and label, shape ``(X, Y)``, sum 1.
        code_sizes: numbers of codes, each >= 1.
        n: pairs in a training set, >= 1.
        delta: probability of failure that is accepted, in (0, 1).
        n_draws: training sets, >= 1.
        rng: generator of the training sets, or a seed for one.

    Returns:
        A :class:`CoverageStudy`.

    Raises:
        ValueError: an argument outside its range, or as :func:`ib_generalization_bound` refuses it.
        TypeError: a count that is not an integer.
    """
    require_count("n", n)
    require_count("n_draws", n_draws)
    if len(code_sizes) == 0:
        raise ValueError("code_sizes is empty; expected at least one size")
    p_xy = as_joint("p_xy", p_xy)
    p_xy = p_xy / p_xy.sum()  # the drawing below is stricter than 1e-8
    encoders = [hash_encoder(len(p_xy), size) for size in code_sizes]
    information = [finite_information(p_xy, encoder).i_xz_given_y for encoder in encoders]
    counts = np.random.default_rng(rng).multinomial(n, p_xy.ravel(), size=n_draws).reshape(n_draws, *p_xy.shape)
    columns = []
    for encoder in encoders:
        counts_zy = encoder.T @ counts
        loss = zero_one_loss(majority_decoder(counts_zy), p_xy.shape[1])
        terms = ib_generalization_bound(p_xy, encoder, loss, n, delta)
        errors = (loss * (encoder.T @ p_xy)).sum((1, 2))
        gaps = errors - (loss * counts_zy).sum((1, 2)) / n
        columns.append((gaps, errors, terms.weight, terms.value))
    union = [union_bound_over_decoders(size, p_xy.shape[1], n, delta) for size in code_sizes]
    stacked = (np.stack(column) for column in zip(*columns, strict=True))
    return CoverageStudy(np.array(code_sizes), np.array(information), *stacked, np.array(union))


def memoriser_encoder(labels: np.ndarray, seen: np.ndarray, n_classes: int) -> np.ndarray:
    """A lookup table as an encoder: a value in the table is coded by its label + 1, any other by 0.

    Args:
        labels: label of each value, integers in [0, Y), shape ``(A,)``.
        seen: whether it is in the table, boolean, shape ``(A,)``.
        n_classes: Y.

    Returns:
        p(z|x) in {0, 1}, shape ``(A, Y + 1)``.

    Raises:
        ValueError: a label outside [0, Y), or ``seen`` of another shape.
        TypeError: labels that are not integers.
    """
    labels, seen = _as_classes("labels", labels, n_classes), np.asarray(seen)
    if seen.dtype != bool or seen.shape != labels.shape:
        raise ValueError(f"seen is {seen.dtype} of shape {seen.shape}; expected booleans of shape {labels.shape}")
    return np.eye(n_classes + 1)[np.where(seen, labels + 1, 0)]


def memoriser(n_values: int, n: int, n_classes: int, delta: float) -> Memoriser:
    """The memoriser in closed form, where the n training values differ and take the same share f = n / A of each label.

    All A values are equally likely, each has one label, all labels have equally many values. A value in the table is
    answered from it, any other by the first label. The table is one of the subsets of n values, all alike beforehand.

    Args:
        n_values: A, number of input values, >= n.
        n: training pairs, >= 1.
        n_classes: Y, number of labels, >= 2.
        delta: probability of failure that is accepted, in (0, 1).

    Returns:
        A :class:`Memoriser`: information h(f) = -f ln f - (1-f) ln(1-f), gap (1 - f)(1 - 1/Y), log_prior -ln C(A, n).

    Raises:
        ValueError: an argument outside its range.
        TypeError: a count that is not an integer.
    """
    _require_table(n_values, n_classes)
    require_count("n", n)
    if n > n_values:
        raise ValueError(f"n is {n}; expected at most n_values = {n_values}, for the training values differ")
    seen = n / n_values
    # One input value for each label inside the table and one outside stand for all of their kind.
    labels, in_table = np.tile(np.arange(n_classes), 2), np.repeat([True, False], n_classes)
    p_x = np.where(in_table, seen, 1 - seen) / n_classes
    p_xy = p_x[:, None] * np.eye(n_classes)[labels]
    fixed, learned = _two_bounds(p_xy, labels, in_table, n, delta, log_prior := -_log_choose(n_values, n))
    gap = (1 - seen) * (1 - 1 / n_classes)
    return Memoriser(seen, float(entr(seen) + entr(1 - seen)), 0.0, gap, fixed, learned, log_prior)


def simulate_memoriser(
    n_values: int, n: int, n_classes: int, delta: float, rng: np.random.Generator | int
) -> Memoriser:
    """The memoriser with a training set that is really drawn, so values may repeat and labels be unevenly seen.

    Its table is one of all subsets of 1 to n values: sizes alike beforehand, then subsets of a size alike.

    Args:
        n_values: A, number of input values, a multiple of ``n_classes``; value x has label x modulo Y.
        n: independent training pairs, >= 1.
        n_classes: Y, number of labels, >= 2.
        delta: probability of failure that is accepted, in (0, 1).
        rng: generator of the training set, or a seed for one.

    Returns:
        A :class:`Memoriser` measured over all A values.

    Raises:
        ValueError: an argument outside its range.
        TypeError: a count that is not an integer.
    """
    _require_table(n_values, n_classes)
    require_count("n", n)
    if n_values % n_classes:
        raise ValueError(f"n_values is {n_values}; expected a multiple of n_classes = {n_classes}")
    labels = np.arange(n_values) % n_classes
    drawn = np.random.default_rng(rng).integers(n_values, size=n)
    in_table = np.zeros(n_values, dtype=bool)
    in_table[drawn] = True
    p_xy, encoder = np.eye(n_classes)[labels] / n_values, memoriser_encoder(labels, in_table, n_classes)
    answers = np.where(in_table, labels, 0)
    train_error, test_error = (answers[drawn] != labels[drawn]).mean(), (answers != labels).mean()
    n_seen = int(in_table.sum())
    log_prior = -_log_choose(n_values, n_seen) - math.log(min(n, n_values))
    fixed, learned = _two_bounds(p_xy, labels, in_table, n, delta, log_prior)
    information = finite_information(p_xy, encoder).i_xz_given_y
    gap = float(test_error - train_error)
    return Memoriser(n_seen / n_values, information, float(train_error), gap, fixed, learned, log_prior)


def _two_bounds(p_xy, labels, in_table, n, delta, log_prior) -> tuple[float, float]:
    n_classes = p_xy.shape[1]
    encoder = memoriser_encoder(labels, in_table, n_classes)
    # Code 0, a value that is not in the table, is answered by the first label; the others carry their label.
    loss = zero_one_loss(np.concatenate([[0], np.arange(n_classes)]), n_classes)
    fixed = ib_generalization_bound(p_xy, encoder, loss, n, delta)
    learned = ib_generalization_bound(p_xy, encoder, loss, n, delta, log_prior=log_prior)
    return fixed.value, learned.value


def _as_classes(name: str, values: np.ndarray, n_classes: int) -> np.ndarray:
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} holds {values.dtype}; expected integers")
    if values.size and not 0 <= values.min() <= values.max() < n_classes:
        raise ValueError(f"{name} lies in [{values.min()}, {values.max()}]; expected classes in [0, {n_classes})")
    return values


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _require_table(n_values: int, n_classes: int) -> None:
    require_count("n_values", n_values)
    require_count("n_classes", n_classes)
    if n_classes < 2:
        raise ValueError(f"n_classes is {n_classes}; expected an integer >= 2")
