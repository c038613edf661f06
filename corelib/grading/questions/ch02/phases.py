"""Phases of a trajectory by rule, with and without the permutation control: chapter 2, exercise 6."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from corelib.grading.compare import Exact
from corelib.grading.question import Case, Question
from corelib.grading.questions._recognise import answers_as
from corelib.information.phases import phases

_LEAST = 0.1  # nats
Found = list[tuple[int, int, str]]

#: Layer 5 of the chapter's digits network, seed 1: I(X;L) in nats at steps 0, 20, 40, 50, 60, 75, 120, 220.
RECORDED = {
    "KL": np.array([0.44, 1.07, 1.51, 1.41, 0.82, 1.01, 1.30, 1.35]),
    "S-WKL": np.array([2.03, 2.89, 3.59, 3.72, 3.32, 3.36, 3.69, 3.70]),
    "KSG": np.array([1.15, 1.68, 2.13, 2.19, 2.01, 2.06, 2.13, 2.18]),
}
#: The KL estimate with X permuted, where the truth is 0.
PERMUTED = np.array([-1.45, -1.55, -1.78, -1.95, -2.37, -2.20, -2.05, -1.95])
STEPS = np.array([0, 20, 40, 50, 60, 75, 120, 220])
STDERR = np.full(8, 0.02)


def _oracle(information: np.ndarray, stderr: np.ndarray, permuted: np.ndarray | None) -> Found:
    curve = information if permuted is None else information - permuted
    return [(int(p.start), int(p.stop), p.kind) for p in phases(curve, stderr=stderr, min_change=_LEAST)]


def _noisy(rng: np.random.Generator, levels: list[float], n: int, noise: float) -> np.ndarray:
    """A curve through ``levels`` at equal distances, with noise."""
    return np.interp(np.linspace(0, len(levels) - 1, n), np.arange(len(levels)), levels) + noise * rng.normal(size=n)


def _walk(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.cumsum(0.05 * rng.normal(size=n))


def _cases(rng: np.random.Generator) -> list[Case]:
    tall = _noisy(rng, [0.5, 2.0, 1.2, 1.9], 31, 0.02)
    tall[[6, 17]] += [2.0, -3.0]  # outliers
    few = _noisy(rng, [0.2, 1.5, 1.1, 1.5], 25, 0.01)
    bias = _noisy(rng, [-1.4, -1.5, -1.9, -1.5], 25, 0.01)
    steps = np.repeat(np.array([1.0, 1.0, 1.5, 2.0, 2.0, 1.25, 1.25, 0.5, 0.5, 0.75]), 2) + float(rng.integers(-2, 3))
    stairs = np.array([0.0, 0.25, 0.5, 0.5, 0.46, 0.42, 0.42, 0.445, 0.47, 0.47, 0.43, 0.39, 0.39, 0.65, 0.9])
    # With errors of 0.1 a fall of 0.35 counts; 0.2 does for one standard error, and 0.12 for none.
    falls = np.repeat([0.0, 1.0, 0.65, 1.6, 1.4, 2.2, 2.08, 3.0], 3) + float(rng.uniform(-1, 1))
    tremble = _noisy(rng, [1.0, 1.0], 16, 0.003)
    return [
        Case("the example by hand", (np.array([0.0, 0.5, 1.0, 0.6, 0.2, 0.25, 0.3]), np.full(7, 0.01), None)),
        Case("recorded: layer 5, plain KL", (RECORDED["KL"], STDERR, None)),
        Case("recorded: the same curve minus its permutation control", (RECORDED["KL"], STDERR, PERMUTED)),
        Case("recorded: the same layer, S-WKL", (RECORDED["S-WKL"], STDERR, None)),
        Case("recorded: the same layer, KSG", (RECORDED["KSG"], STDERR, None)),
        Case("31 checkpoints with two outliers", (tall, np.full(31, 0.02), None)),
        Case("a dip that the control shares", (few, np.full(25, 0.01), bias)),
        Case("a dip that the control lacks", (few, np.full(25, 0.01), np.linspace(-0.3, -0.2, 25))),
        Case("plateaus, also at the start", (steps, np.full(20, 0.01), None)),
        Case("a slow fall with a small rise in it", (stairs, np.full(15, 0.005), None)),
        Case("noisy checkpoints", (_noisy(rng, [0.0, 0.6, 0.25, 0.8], 40, 0.05), np.full(40, 0.05), None)),
        Case("a large fall and two within the errors", (falls, np.full(24, 0.1), None)),
        Case("errors that differ between checkpoints", (3 * _walk(rng, 60), rng.uniform(0.0, 0.2, 60), None)),
        Case("a long walk with many small turns", (_walk(rng, 120), np.full(120, 0.01), None)),
        Case("a longer one", (_walk(rng, 200), np.full(200, 0.03), None)),
        Case("a curve that only falls", (np.sort(rng.uniform(0, 2, 12))[::-1].copy(), np.full(12, 0.01), None)),
        Case("a curve that trembles around one value", (tremble, np.full(16, 0.003), None)),
        Case("two checkpoints", (np.array([0.2, 0.9]), np.full(2, 0.05), None)),
    ]


def _median(curve: np.ndarray) -> np.ndarray:
    return np.concatenate([curve[:1], np.median([curve[:-2], curve[1:-1], curve[2:]], axis=0), curve[-1:]])


def _mean(curve: np.ndarray) -> np.ndarray:
    return np.concatenate([curve[:1], np.mean([curve[:-2], curve[1:-1], curve[2:]], axis=0), curve[-1:]])


def _median_of_zero_padded(curve: np.ndarray) -> np.ndarray:
    padded = np.concatenate([[0.0], curve, [0.0]])
    return np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)


def _median_of_five(curve: np.ndarray) -> np.ndarray:
    return np.array([np.median(curve[max(0, i - 2) : i + 3]) for i in range(len(curve))])


def _minus(information: np.ndarray, permuted: np.ndarray | None) -> np.ndarray:
    return information if permuted is None else information - permuted


def _plus(information: np.ndarray, permuted: np.ndarray | None) -> np.ndarray:
    return information if permuted is None else information + permuted


def _ignored(information: np.ndarray, permuted: np.ndarray | None) -> np.ndarray:
    return information


def _threshold(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    return np.maximum(_LEAST, 2 * np.hypot(start, stop))


def _merge(smooth: np.ndarray, turns: list[int]) -> list[int]:
    """Drop the turns between runs of one sign; a run without change joins the one before it, or the first one."""
    kept, sign = turns[:1], 0.0
    for turn, step in zip(turns[:-1], np.sign(np.diff(smooth[turns])), strict=True):
        if step * sign < 0:
            kept.append(turn)
        sign = step or sign
    return [*kept, turns[-1]]


def _merge_but_zeros(smooth: np.ndarray, turns: list[int]) -> list[int]:
    """A stretch without change stands as a run of its own."""
    signs = np.sign(np.diff(smooth[turns]))
    return [turns[0], *(t for t, a, b in zip(turns[1:-1], signs[:-1], signs[1:], strict=True) if a != b), turns[-1]]


def _smallest(change: np.ndarray, failing: np.ndarray) -> np.ndarray:
    return failing[[np.argmin(change[failing])]]


def _leftmost(change: np.ndarray, failing: np.ndarray) -> np.ndarray:
    return failing[:1]


def _all(change: np.ndarray, failing: np.ndarray) -> np.ndarray:
    return failing


def _reader(
    *,
    curve: Callable = _minus,
    filtered: Callable = _median,
    threshold: Callable = _threshold,
    merge: Callable = _merge,
    choose: Callable = _smallest,
    keep_last: bool = False,
    levels: Callable = lambda curve, smooth: smooth,
    report: Callable = lambda start, stop, rises: (start, stop, "fit" if rises else "compress"),
) -> Callable[..., Found]:
    """The rule with one of its parts exchanged."""

    def read(information: np.ndarray, stderr: np.ndarray, permuted: np.ndarray | None) -> Found:
        raw = curve(information, permuted)
        smooth = filtered(raw)
        level, last = levels(raw, smooth), len(raw) - 1
        turns = list(range(len(raw)))
        while True:
            turns = merge(smooth, turns)
            change = np.abs(np.diff(level[turns]))
            failing = np.flatnonzero(change <= threshold(stderr[turns[:-1]], stderr[turns[1:]]))
            if len(failing) == 0 or (keep_last and len(change) == 1):
                return [report(a, b, level[b] > level[a]) for a, b in pairwise(turns)]
            if len(change) == 1:
                return []
            gone = {turns[i + end] for i in choose(change, failing) for end in (0, 1)} - {0, last}
            turns = [turn for turn in turns if turn not in gone]

    return read


def _left_out(information: np.ndarray, stderr: np.ndarray, permuted: np.ndarray | None) -> Found:
    """Runs that are too small are left out, and their neighbours stay apart."""
    smooth = _median(_minus(information, permuted))
    turns = _merge(smooth, list(range(len(smooth))))
    return [
        (a, b, "fit" if smooth[b] > smooth[a] else "compress")
        for a, b in pairwise(turns)
        if abs(smooth[b] - smooth[a]) > _threshold(stderr[a], stderr[b])
    ]


QUESTION = Question(
    name="ch02.phases",
    title="Fit, compress, fit: read a curve by rule",
    entry="phases",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=Exact(),
    diagnoses=(
        answers_as(
            "control_ignored",
            "You read the raw curve although a permutation control was given. Subtract it: what both curves do, the"
            " estimator does.",
            _reader(curve=_ignored),
        ),
        answers_as(
            "control_added",
            "You added the permutation control. It is the estimate where the truth is 0, that is, the bias: subtract"
            " it.",
            _reader(curve=_plus),
        ),
        answers_as(
            "no_median",
            "You read the curve as it is. A running median of three comes first, so that one odd checkpoint makes no"
            " phase of its own.",
            _reader(filtered=lambda curve: curve),
        ),
        answers_as(
            "mean_for_median",
            "You smoothed with a running mean. A mean spreads an outlier over three checkpoints; a median throws it"
            " away.",
            _reader(filtered=_mean),
        ),
        answers_as(
            "median_at_the_ends",
            "Your filter changes the first and the last checkpoint, as if the curve went on with zeros there. Both ends"
            " stay as they are.",
            _reader(filtered=_median_of_zero_padded),
        ),
        answers_as(
            "median_of_five",
            "Your running median takes five checkpoints. It has to take three: the one before, itself, the one after.",
            _reader(filtered=_median_of_five),
        ),
        answers_as(
            "all_at_once",
            "You dropped all small runs at once. Two small falls with a smaller rise between them may be one fall that"
            " counts: drop the smallest only, join, and look again.",
            _reader(choose=_all),
        ),
        answers_as(
            "leftmost_first",
            "You dropped small runs from the left. The smallest goes first: then the result does not depend on which"
            " end you start from.",
            _reader(choose=_leftmost),
        ),
        answers_as(
            "left_out",
            "You left small runs out and kept their neighbours apart: two phases of one kind in a row, with a gap. A"
            " run that is dropped joins its neighbours.",
            _left_out,
        ),
        answers_as(
            "no_standard_error",
            "You compared with 0.1 nat only. A change has to exceed two standard errors of the difference as well.",
            _reader(threshold=lambda a, b: np.full(np.shape(a), _LEAST)),
        ),
        answers_as(
            "no_least_change",
            "You compared with the standard errors only. With many samples they are tiny and every tremble counts: a"
            " change has to exceed 0.1 nat as well.",
            _reader(threshold=lambda a, b: 2 * np.hypot(a, b)),
        ),
        answers_as(
            "one_standard_error",
            "You compared with one standard error. Chance makes such a difference every third time: take two.",
            _reader(threshold=lambda a, b: np.maximum(_LEAST, np.hypot(a, b))),
        ),
        answers_as(
            "errors_added",
            "You added the standard errors of both ends. Errors of independent numbers add as squares: √(a² + b²).",
            _reader(threshold=lambda a, b: np.maximum(_LEAST, 2 * (a + b))),
        ),
        answers_as(
            "unfiltered_change",
            "You found the runs in the filtered curve and measured them in the unfiltered one. Measure them where you"
            " found them.",
            _reader(levels=lambda curve, smooth: curve),
        ),
        answers_as(
            "plateaus_end_runs",
            "A step of exactly 0 ended your run. It belongs to the run before it, or, at the very start, to the next.",
            _reader(merge=_merge_but_zeros),
        ),
        answers_as(
            "last_run_kept",
            "You kept the last run although it is too small. A curve that only trembles has no phase: return an empty"
            " list.",
            _reader(keep_last=True),
        ),
        answers_as(
            "kinds_swapped",
            "You called rises compress and falls fit. A layer that gains information about the input is fitting.",
            _reader(report=lambda start, stop, rises: (start, stop, "compress" if rises else "fit")),
        ),
        answers_as(
            "ends_apart",
            "Your phases do not touch. A run from checkpoint a to checkpoint b has the start a and the stop b, and the"
            " next run starts at b.",
            _reader(report=lambda start, stop, rises: (start, stop - 1, "fit" if rises else "compress")),
            _reader(report=lambda start, stop, rises: (start, stop + 1, "fit" if rises else "compress")),
            _reader(report=lambda start, stop, rises: (start + 1, stop, "fit" if rises else "compress")),
        ),
    ),
)
