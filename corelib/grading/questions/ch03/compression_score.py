"""How much of its largest information a layer has lost by the end: chapter 3, exercise 5."""

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.information import compression_score


def _paths(rng: np.random.Generator, n_snapshots: int, n_networks: int) -> np.ndarray:
    """Made-up I(X;T) that rises to a peak of its own in each network and falls, bits, shape ``(T, M)``."""
    t = np.linspace(0, 1, n_snapshots)[:, None]
    start, peak, end = rng.uniform(2, 5, n_networks), rng.uniform(6, 12, n_networks), rng.uniform(1, 6, n_networks)
    where = rng.uniform(0.2, 0.8, n_networks)
    return np.where(t < where, start + (peak - start) * t / where, peak + (end - peak) * (t - where) / (1 - where))


def _cases(rng: np.random.Generator) -> list[Case]:
    flat = np.full((6, 3), 12.0)
    rising = np.sort(rng.uniform(1, 9, size=(7, 4)), axis=0)
    dead = _paths(rng, 9, 4)
    dead[:, 1] = 0.0
    dead[-1, 2] = 0.0
    holed = _paths(rng, 5, 3)
    holed[2, 1] = np.nan
    return [
        Case("twelve snapshots of eight networks", (_paths(rng, 12, 8),)),
        Case("two snapshots", (rng.uniform(2, 9, size=(2, 5)),)),
        Case("one network", (_paths(rng, 30, 1),)),
        Case("one network at 0 throughout, one that loses everything", (dead,)),
        Case("networks that stay at the ceiling", (flat,)),
        Case("networks that only gain", (rising,)),
        Case("a single snapshot", (_paths(rng, 3, 4)[:1],), Raises("ValueError", ("ixt",))),
        Case("NaN at one snapshot", (holed,), Raises("ValueError", ("ixt",))),
    ]


def _kept(ixt: np.ndarray) -> np.ndarray:
    return 1 - compression_score(ixt)


def _start_minus_end(ixt: np.ndarray) -> np.ndarray:
    return ixt[0] - ixt[-1]


def _peak_minus_end(ixt: np.ndarray) -> np.ndarray:
    return ixt.max(0) - ixt[-1]


def _one_largest(ixt: np.ndarray) -> np.ndarray:
    return 1 - ixt[-1] / ixt.max()


def _of_first(where_zero: float):
    def score(ixt: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(ixt[0] > 0, 1 - ixt[-1] / ixt[0], where_zero)

    return score


def _last_dropped(ixt: np.ndarray) -> np.ndarray:
    largest = ixt[:-1].max(0)
    return 1 - np.divide(ixt[-1], largest, out=np.ones_like(largest), where=largest > 0)


def _unguarded(ixt: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return 1 - ixt[-1] / ixt.max(0)


def _everything_lost(ixt: np.ndarray) -> np.ndarray:
    return np.where(ixt.max(0) > 0, compression_score(ixt), 1.0)


QUESTION = Question(
    name="ch03.compression_score",
    title="One number for a curve: the compression score",
    entry="compression_score",
    points=1,
    cases=_cases,
    oracle=compression_score,
    diagnoses=(
        answers_as(
            "start_minus_end",
            "This is start − end, in bits. A layer that first gains and then loses the same again would score 0, and"
            " wide layers would score more than narrow ones. Compare the end with the largest value, as a share of it.",
            _start_minus_end,
        ),
        answers_as(
            "max_over_models",
            "You divided by one maximum over all networks. Each network is compared with its own largest value: take"
            " the maximum along the snapshots only, ixt.max(axis=0).",
            _one_largest,
        ),
        answers_as(
            "first_instead_of_max",
            "You compared the end with the first snapshot. A layer gains before it loses: compare with the largest"
            " value along the snapshots, which gives a score between 0 and 1.",
            _of_first(0.0),
            _of_first(np.nan),
        ),
        answers_as(
            "last_snapshot_dropped",
            "Your maximum leaves out the last snapshot, so that a network that gains to the end scores below 0. The"
            " maximum runs over all T snapshots.",
            _last_dropped,
        ),
        answers_as(
            "share_kept",
            "This is the share that is left at the end. Compression is the share that is lost: 1 minus yours.",
            _kept,
        ),
        answers_as(
            "in_bits",
            "This is the loss in bits. Divide it by the largest value: a share can be compared between layers.",
            _peak_minus_end,
        ),
        answers_as(
            "zero_by_zero",
            "A network that is 0 throughout gives 0/0, NaN. It has nothing to lose and scores 0: divide only where the"
            " largest value is above 0.",
            _unguarded,
        ),
        answers_as(
            "dead_is_compressed",
            "A network that is 0 throughout scored 1 with you. It has nothing to lose, so it scores 0.",
            _everything_lost,
        ),
        Diagnosis(
            "no_checks",
            "One snapshot has no end to compare with, and NaN would spread without a word: raise a ValueError that"
            " names ixt for both.",
            accepts("ixt"),
        ),
    ),
)
