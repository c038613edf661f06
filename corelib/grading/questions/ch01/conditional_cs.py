"""Cauchy-Schwarz divergence of predictions from targets, given the input: chapter 1, exercise 7."""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.special import logsumexp

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information import conditional_cs_divergence

# Log-kernels of a few thousand, sums of a hundred of them: good to 1e-12; 0 comes out of three numbers of order 10.
_TOLERANCE = Close(rtol=1e-9, atol=1e-10)


def _oracle(x: np.ndarray, y: np.ndarray, y_hat: np.ndarray, bandwidth_x: float, bandwidth_y: float) -> float:
    x, y, y_hat = (torch.from_numpy(np.array(values)) for values in (x, y, y_hat))
    return conditional_cs_divergence(x, y, y_hat, bandwidth_x, bandwidth_y).item()


def _below_zero(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three inputs in one place and three around it; the predictions of neighbours are exchanged."""
    x = np.array([0.5, 0.5, 0.5, 1.0, -0.5, -2.0])
    y = np.array([-0.5, -0.5, -0.5, -3.5, 2.75, 2.75])
    y_hat = np.array([-3.5, -0.25, 2.75, -0.5, -0.5, 2.75])
    order, places = rng.permutation(6), rng.normal(size=2)
    return tuple(values[order, None] + place for values, place in zip((x, y, y_hat), places[[0, 1, 1]], strict=True))


def _cases(rng: np.random.Generator) -> list[Case]:
    def column(*values: float) -> np.ndarray:
        return np.array(values)[:, None]

    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    y_hat = y + 0.5 * rng.normal(size=y.shape)
    wide, narrow = float(rng.uniform(1.5, 3.0)), float(rng.uniform(0.3, 0.7))
    line = 2 * rng.normal(size=(60, 1))
    curve = np.sin(line) + 0.3 * rng.normal(size=line.shape)
    flat = np.full_like(curve, curve.mean())
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    far = 1e8 + rng.integers(0, 64, size=(20, 1)) / 32
    hand = (column(0.0, 1, 3), column(0.0, 1, 2), column(0.5, 1, 1))
    return [
        Case("the example by hand", (column(0.0, 1.0), column(0.0, 1.0), column(0.0, 0.0), 1.0, 1.0)),
        Case("three samples", (*hand, 1.0, 1.0)),
        Case("40 samples, inputs of three numbers, targets of two", (x, y, y_hat, wide, narrow)),
        Case("the same, inputs turned and moved: nothing changes", (x @ turn + 5.0, y, y_hat, wide, narrow)),
        Case("predictions are the targets: 0", (x, y, y.copy(), narrow, wide)),
        Case("targets and predictions change places: something does", (x, y_hat, y, wide, narrow)),
        Case("everybody gets the mean", (line, curve, flat, narrow, 0.5)),
        Case("bad predictions that score below 0", (*_below_zero(rng), 1.0, 1.0)),
        Case("predictions 90 bandwidths off: kernels that round to 0", (x, y, y + 90.0, wide, 1.0)),
        Case("targets that stand a hundred million away from 0", (x[:20], far, far[::-1].copy(), wide, 0.5)),
        Case("two samples", (x[:2], y[:2], y_hat[:2], wide, narrow)),
        Case("targets (N,)", (x, y[:, 0], y_hat[:, :1], 1.0, 1.0), Raises("ValueError", ("y",))),
        Case("predictions (N,)", (x, y[:, :1], y_hat[:, 0], 1.0, 1.0), Raises("ValueError", ("y_hat",))),
        Case("inputs (N,)", (x[:, 0], y, y_hat, 1.0, 1.0), Raises("ValueError", ("x",))),
        Case("a bandwidth of 0", (x, y, y_hat, 0.0, 1.0), Raises("ValueError", ("bandwidth_x",))),
        Case("a negative bandwidth", (x, y, y_hat, 1.0, -1.0), Raises("ValueError", ("bandwidth_y",))),
    ]


def _log_gram(a: np.ndarray, b: np.ndarray, s: float) -> np.ndarray:
    return -((a[:, None] - b[None]) ** 2).sum(-1) / (2 * s**2)


def _expanded(a: np.ndarray, b: np.ndarray, s: float) -> np.ndarray:
    return -((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T) / (2 * s**2)


def _weight(log_k: np.ndarray) -> np.ndarray:
    return log_k - 2 * logsumexp(log_k, axis=1, keepdims=True)


def _total(logs: np.ndarray) -> float:
    return logsumexp(logs)


def _join(own: float, predicted: float, cross: float) -> float:
    return own + predicted - 2 * cross


def _mistaken(
    *,
    gram: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = _log_gram,
    weight: Callable[[np.ndarray], np.ndarray] = _weight,
    total: Callable[[np.ndarray], float] = _total,
    join: Callable[[float, float, float], float] = _join,
    transposed: bool = False,
    swapped: bool = False,
) -> Callable[..., float]:
    """The divergence with one of its parts exchanged. Everything is a logarithm until ``join``."""

    def wrong(x: np.ndarray, y: np.ndarray, y_hat: np.ndarray, s_x: float, s_y: float) -> float:
        if swapped:
            s_x, s_y = s_y, s_x
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_w = weight(gram(x, x, s_x))
            cross = gram(y, y_hat, s_y) if transposed else gram(y_hat, y, s_y)
            own, predicted, cross = (total(log_w + logs) for logs in (gram(y, y, s_y), gram(y_hat, y_hat, s_y), cross))
            return float(join(own, predicted, cross))

    return wrong


def _without_self(logs: np.ndarray) -> float:
    return logsumexp(logs[~np.eye(len(logs), dtype=bool)])


def _mean_of_logs(logs: np.ndarray) -> float:
    return logsumexp(logs, axis=1).mean()


def _unit(power: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    return lambda a, b, s: -power(((a[:, None] - b[None]) ** 2).sum(-1), s)


def _mean_over_columns(a: np.ndarray, b: np.ndarray, s: float) -> np.ndarray:
    return _log_gram(a, b, s) / a.shape[1]


def _squared_error(attempt: Attempt) -> bool:
    """What is left when y and y_hat are taken for one sample of N numbers each."""
    _, y, y_hat, _, s = attempt.case.args
    if attempt.error or not s > 0 or attempt.value is None:
        return False
    squared = float(((np.ravel(y) - np.ravel(y_hat)) ** 2).sum()) / s**2
    return squared > 0 and any(math.isclose(attempt.value, squared / unit, rel_tol=1e-6) for unit in (1, math.log(2)))


def _lost_far_off(attempt: Attempt) -> bool:
    """NaN, infinite or far too small, where kernels between predictions and targets round to 0."""
    _, y, y_hat, _, _ = attempt.case.args
    far = np.abs(y_hat - y).min() > 50
    return far and not attempt.error and not 200 < attempt.value < math.inf


QUESTION = Question(
    name="ch01.conditional_cs",
    title="A divergence without densities",
    entry="conditional_cs",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    preload=("scipy.special",),
    diagnoses=(
        Diagnosis(
            "one_dimensional",
            "Your value is the sum of squared errors in units of the bandwidth (perhaps over ln 2), as in the released"
            " code: with targets (N,) the last axis is the batch, and all of it becomes one sample of N numbers. Rows"
            " are samples: keep (N, k), sum squares over axis k alone, and refuse arrays (N,).",
            _squared_error,
        ),
        answers_as(
            "sum_of_squares_below",
            "Below the line you sum K², as the released code does. It is the square of the row's sum, (Σ_i K_ji)².",
            _mistaken(weight=lambda log_k: log_k - logsumexp(2 * log_k, axis=1, keepdims=True)),
        ),
        answers_as(
            "bits",
            "These are bits. The question asks for nats: natural logarithms.",
            _mistaken(join=lambda a, b, c: _join(a, b, c) / math.log(2)),
        ),
        answers_as(
            "cross_once",
            "The factor 2 of the cross term is missing. Two terms compare a law with itself, so the cross term counts"
            " twice; then equal laws give 0.",
            _mistaken(join=lambda a, b, c: a + b - c),
        ),
        answers_as(
            "cross_transposed",
            "Your cross kernel is transposed. Entry (j, i) compares prediction j with target i; the weights belong to"
            " the rows j, so that it matters.",
            _mistaken(transposed=True),
            _mistaken(weight=lambda log_k: log_k - 2 * logsumexp(log_k, axis=1)),
        ),
        answers_as(
            "sum_not_squared",
            "You divided by Σ_i K_ji once. It stands below the line squared: once to make a conditional mean of L, once"
            " more for the row's own density.",
            _mistaken(weight=lambda log_k: log_k - logsumexp(log_k, axis=1, keepdims=True)),
        ),
        answers_as(
            "not_divided",
            "You did not divide by the density of x. Without (Σ_i K_ji)² this compares the joint laws p(x, y) and"
            " p(x, ŷ), and crowded inputs count most.",
            _mistaken(weight=lambda log_k: log_k),
        ),
        answers_as(
            "input_ignored",
            "Your value does not depend on x: it compares all predictions with all targets. Predictions that are right"
            " for the wrong inputs pass. Weight each pair (j, i) by K_ji.",
            _mistaken(weight=np.zeros_like),
        ),
        answers_as(
            "mean_of_logs",
            "You took the logarithm of each row and summed those, or averaged them. Sum over j first, then take one"
            " logarithm.",
            _mistaken(total=_mean_of_logs),
            _mistaken(total=lambda logs: logsumexp(logs, axis=1).sum()),
        ),
        answers_as(
            "no_half",
            "Your kernel is exp(−d²/s²). The question's has 2s² below the line.",
            _mistaken(gram=_unit(lambda d, s: d / s**2)),
        ),
        answers_as(
            "bandwidth_for_variance",
            "You divided by 2s. The bandwidth is a length: square it, 2s².",
            _mistaken(gram=_unit(lambda d, s: d / (2 * s))),
        ),
        answers_as(
            "distance_not_squared",
            "Your kernel falls with the distance and not with its square.",
            _mistaken(gram=_unit(lambda d, s: np.sqrt(d) / (2 * s**2))),
            _mistaken(gram=_unit(lambda d, s: np.sqrt(d) / s)),
        ),
        answers_as(
            "mean_over_columns",
            "You averaged squared differences over the columns. |a − b|² is their sum.",
            _mistaken(gram=_mean_over_columns),
        ),
        answers_as(
            "bandwidths_swapped",
            "You used bandwidth_y for the inputs and bandwidth_x for the targets.",
            _mistaken(swapped=True),
        ),
        answers_as(
            "one_bandwidth",
            "You used one bandwidth for inputs and targets. They are in different units: bandwidth_y goes with y.",
            lambda x, y, y_hat, s_x, s_y: _mistaken()(x, y, y_hat, s_x, s_x),
            lambda x, y, y_hat, s_x, s_y: _mistaken()(x, y, y_hat, s_y, s_y),
        ),
        answers_as(
            "self_left_out",
            "You left out the pairs i = j. Here they count; a formula with logarithms needs them where a sample is"
            " alone.",
            _mistaken(total=_without_self),
        ),
        answers_as(
            "clipped",
            "You cut the value off at 0. With weights that belong to the rows alone it may be negative; return what the"
            " formula gives.",
            _mistaken(join=lambda a, b, c: max(0.0, _join(a, b, c))),
            _mistaken(join=lambda a, b, c: abs(_join(a, b, c))),
        ),
        Diagnosis(
            "underflow",
            "Kernels between far samples rounded to 0, and a logarithm of 0 followed, or of a small number that was"
            " added against it. Keep exponents and add them with scipy.special.logsumexp.",
            _lost_far_off,
        ),
        answers_as(
            "logarithms_missing",
            "The logarithm is missing around the terms, or the cross term is subtracted before it is taken. The three"
            " sums become three logarithms.",
            _mistaken(join=lambda a, b, c: np.exp(a) + np.exp(b) - 2 * np.exp(c)),
            _mistaken(join=lambda a, b, c: np.exp(a + b - 2 * c)),
        ),
        answers_as(
            "expansion_without_centring",
            "You expanded the square, a² + b² − 2ab, which loses the differences of numbers far from 0. Subtract first,"
            " then square.",
            _mistaken(gram=_expanded),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes without a word. Raise a ValueError that names the array that is not (N, d), or the"
            " bandwidth that is not above 0.",
            lambda attempt: any(accepts(name)(attempt) for name in ("x", "y", "y_hat", "bandwidth_x", "bandwidth_y")),
        ),
    ),
)
