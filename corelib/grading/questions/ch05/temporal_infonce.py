"""How well a latent recognises its neighbours in time: chapter 5, exercise 5."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman.contrastive import temporal_infonce

# Scores of up to 1000 leave a rounding of 1e-13 in the logarithm.
_TOLERANCE = Close(rtol=1e-9, atol=1e-11)


def _oracle(z: np.ndarray, k: int, temperature: float) -> float:
    return temporal_infonce(torch.from_numpy(z.copy()), k=k, temperature=temperature).item()


def _smooth(rng: np.random.Generator, windows: int, times: int, d: int) -> np.ndarray:
    """Latents that turn slowly, with lengths that differ."""
    steps = rng.normal(size=(windows, times, d)).cumsum(1) + 2 * rng.normal(size=(windows, 1, d))
    return steps * rng.uniform(0.5, 2.0, size=(windows, times, 1))


def _cases(rng: np.random.Generator) -> list[Case]:
    square = np.array([[[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, -1.0]]])
    return [
        Case("the example by hand: four latents at right angles", (square, 1, 1.0)),
        Case("16 times, k = 3, one window", (_smooth(rng, 1, 16, 3), 3, 0.1)),
        Case("five windows", (_smooth(rng, 5, 12, 4), 3, 0.1)),
        Case("a high temperature", (_smooth(rng, 4, 9, 2), 2, float(rng.uniform(2.0, 5.0)))),
        Case("k = 1", (_smooth(rng, 3, 10, 5), 1, 0.2)),
        Case("just enough times: 2k + 2", (_smooth(rng, 4, 8, 3), 3, 0.3)),
        Case("latents that never change: ln(15/6)", (np.full((2, 16, 3), 1.7), 3, 0.1)),
        Case("unrelated latents, temperature 0.001", (rng.normal(size=(3, 12, 4)), 2, 0.001)),
        Case("as many times as 2k", (_smooth(rng, 2, 6, 3), 3, 0.1), Raises("ValueError", ("z",))),
        Case(
            "2k + 1 times: an anchor without negatives", (_smooth(rng, 2, 7, 3), 3, 0.1), Raises("ValueError", ("z",))
        ),
        Case("a temperature of 0", (_smooth(rng, 2, 9, 3), 2, 0.0), Raises("ValueError", ("temperature",))),
    ]


def _log_sum(scores: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exponentials over the last axis, where ``where``."""
    return np.logaddexp.reduce(scores, axis=-1, where=where, initial=-np.inf)


def _cosines(z: np.ndarray, temperature: float) -> np.ndarray:
    unit = z / np.linalg.norm(z, axis=-1, keepdims=True)
    return unit @ unit.swapaxes(-1, -2) / temperature


def _inside(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The loss of every anchor, all positives inside one logarithm."""
    return _log_sum(scores, positive | negative) - _log_sum(scores, positive)


def _near(gap: np.ndarray, k: int) -> np.ndarray:
    return (np.abs(gap) <= k) & (gap != 0)


def _far(gap: np.ndarray, k: int) -> np.ndarray:
    return np.abs(gap) > k


Choice = Callable[[np.ndarray, int], np.ndarray]


def _mistaken(
    *,
    positive: Choice = _near,
    negative: Choice = _far,
    scores: Callable[[np.ndarray, float], np.ndarray] = _cosines,
    anchors: Callable[[int, int], slice] = lambda times, k: slice(k, times - k),
    loss: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = _inside,
    over: Callable[[np.ndarray], float] = np.mean,
) -> Callable[..., float]:
    """The loss with one thing changed; ``positive`` and ``negative`` choose by the gap j - i."""

    def wrong(z: np.ndarray, k: int, temperature: float) -> float:
        t = np.arange(z.shape[1])
        used = anchors(len(t), k)
        gap = (t[None, :] - t[:, None])[used]
        shape = (len(z), *gap.shape)
        near, far = (np.broadcast_to(choice(gap, k), shape) for choice in (positive, negative))
        return float(over(loss(near, far, scores(z, temperature)[:, used])))

    return wrong


def _mean_of_logs(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    each = _log_sum(scores, positive | negative)[..., None] - scores
    return np.where(positive, each, 0.0).sum(-1) / positive.sum(-1)


def _each_alone(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """One positive at a time against the negatives, averaged."""
    each = np.logaddexp(_log_sum(scores, negative)[..., None], scores) - scores
    return np.where(positive, each, 0.0).sum(-1) / positive.sum(-1)


def _mean_inside(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return _inside(positive, negative, scores) + np.log(positive.sum(-1))


def _means_inside(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    near = _log_sum(scores, positive) - np.log(positive.sum(-1))
    return np.logaddexp(near, _log_sum(scores, negative) - np.log(negative.sum(-1))) - near


def _neighbours_twice(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    near = _log_sum(scores, positive)
    return np.logaddexp(near, _log_sum(scores, positive | negative)) - near


def _ratio(positive: np.ndarray, negative: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return _log_sum(scores, negative) - _log_sum(scores, positive)


def _log_of_mean(losses: np.ndarray) -> float:
    return float(-np.log(np.exp(-losses).mean()))


def _wrapped(z: np.ndarray, k: int, temperature: float) -> float:
    times = z.shape[1]
    ring = np.arange(times)
    gap = (ring[None, :] - ring[:, None] + times // 2) % times - times // 2
    shape = (len(z), times, times)
    near, far = (np.broadcast_to(choice(gap, k), shape) for choice in (_near, _far))
    return float(_inside(near, far, _cosines(z, temperature)).mean())


def _whole_batch(z: np.ndarray, k: int, temperature: float) -> float:
    windows, times, d = z.shape
    unit = (z / np.linalg.norm(z, axis=-1, keepdims=True)).reshape(-1, d)
    t, own = np.tile(np.arange(times), windows), np.repeat(np.arange(windows), times)
    gap, same = t[None, :] - t[:, None], own[None, :] == own[:, None]
    near, far = same & _near(gap, k), ~same | _far(gap, k)
    used = (t >= k) & (t < times - k)
    return float(_inside(near, far, unit @ unit.T / temperature)[used].mean())


def _overflows(attempt: Attempt) -> bool:
    return isinstance(attempt.value, float) and not np.isfinite(attempt.value)


QUESTION = Question(
    name="ch05.temporal_infonce",
    title="Neighbours in time",
    entry="temporal_infonce",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "self_in_positives",
            "The anchor counts as its own neighbour. Its similarity with itself is 1 whatever the encoder does, which"
            " makes the loss small for nothing: leave i = t out.",
            _mistaken(positive=lambda gap, k: np.abs(gap) <= k),
        ),
        answers_as(
            "self_in_negatives",
            "The anchor stands among its own negatives, with a similarity of 1 that nothing can beat. Negatives are"
            " more than k steps away.",
            _mistaken(negative=lambda gap, k: _far(gap, k) | (gap == 0)),
        ),
        answers_as(
            "neighbours_among_negatives",
            "Neighbours stand among the negatives as well, so the loss pulls at them and pushes them away. Negatives"
            " are the times with |i - t| > k.",
            _mistaken(loss=_neighbours_twice),
            _mistaken(positive=lambda gap, k: np.abs(gap) == 1, negative=lambda gap, k: np.abs(gap) > 1),
        ),
        answers_as(
            "mean_of_logs",
            "You took a logarithm for each positive and averaged. Here the positives are summed first, inside one"
            " logarithm: it is enough that some neighbour is recognised.",
            _mistaken(loss=_mean_of_logs),
            _mistaken(loss=_each_alone),
        ),
        answers_as(
            "mean_inside",
            "You averaged the exponentials where they are summed. Constant latents then have another loss than"
            " ln((T - 1)/(2k)).",
            _mistaken(loss=_mean_inside),
            _mistaken(loss=_means_inside),
        ),
        answers_as(
            "log_of_mean",
            "You averaged the fractions over anchors and took one logarithm. Every anchor has its own logarithm; the"
            " mean is over these.",
            _mistaken(over=_log_of_mean),
        ),
        answers_as(
            "edge_anchors",
            "Anchors near the ends take part, with the neighbours that they happen to have. Only t = k, ..., T - k - 1"
            " have all 2k.",
            _mistaken(anchors=lambda times, k: slice(0, times)),
            _mistaken(anchors=lambda times, k: slice(0, times - k)),
            _mistaken(anchors=lambda times, k: slice(k, times)),
        ),
        answers_as(
            "anchor_lost",
            "You left one anchor out. The last is t = T - k - 1, and range(k, T - k) ends there.",
            _mistaken(anchors=lambda times, k: slice(k, times - k - 1)),
            _mistaken(anchors=lambda times, k: slice(k + 1, times - k)),
        ),
        answers_as(
            "wrapped_around",
            "Your windows are rings: the last latent is a neighbour of the first. A window has ends, and anchors keep"
            " k steps away from them.",
            _wrapped,
        ),
        answers_as(
            "one_sided",
            "Your positives lie on one side. The neighbourhood is the k times before and the k times after.",
            _mistaken(positive=lambda gap, k: _near(gap, k) & (gap > 0)),
            _mistaken(positive=lambda gap, k: _near(gap, k) & (gap < 0)),
        ),
        answers_as(
            "reach",
            "Your neighbourhood reaches to k - 1 steps. |i - t| = k is still a neighbour.",
            _mistaken(positive=lambda gap, k: (np.abs(gap) < k) & (gap != 0), negative=lambda gap, k: np.abs(gap) >= k),
        ),
        answers_as(
            "temperature_multiplied",
            "You multiplied by the temperature. Similarities are divided by it: a low temperature sharpens.",
            _mistaken(scores=lambda z, temperature: _cosines(z, 1 / temperature)),
        ),
        answers_as(
            "dot_product",
            "You used the dot product. The cosine divides by both lengths; without it long latents win.",
            _mistaken(scores=lambda z, temperature: z @ z.swapaxes(-1, -2) / temperature),
        ),
        answers_as(
            "whole_batch",
            "Latents of other windows are among your negatives. This version compares within one window.",
            _whole_batch,
        ),
        answers_as(
            "negatives_alone",
            "Your denominator holds the negatives alone. It is positives plus negatives, so that the fraction is a"
            " probability and the loss is not below 0.",
            _mistaken(loss=_ratio),
        ),
        answers_as(
            "sign",
            "Your value is the negative of the loss. The loss is -ln of a fraction, and not below 0.",
            lambda *arguments: -_oracle(*arguments),
        ),
        answers_as(
            "bits",
            "Your loss is in bits. Take the natural logarithm.",
            lambda *arguments: _oracle(*arguments) / np.log(2),
        ),
        answers_as(
            "summed",
            "You summed over anchors or windows. Take the mean over all of them, so that the weight alpha means the"
            " same for every batch.",
            _mistaken(over=np.sum),
            _mistaken(over=lambda losses: losses.sum(-1).mean()),
            _mistaken(over=lambda losses: losses.mean(-1).sum()),
        ),
        Diagnosis(
            "overflow",
            "An exponential left float64: at a temperature of 0.001 a score may be 1000, and e^1000 is infinite,"
            " e^-1000 zero. Stay in logarithms, with np.logaddexp.reduce for the positives and for all others.",
            _overflows,
        ),
        Diagnosis(
            "silent_zero",
            "A window too short for its k gets a number, and training goes on without the term. Raise a ValueError that"
            " names z for T < 2k + 2.",
            accepts("z"),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names temperature unless it is above 0.",
            accepts("temperature"),
        ),
    ),
)
