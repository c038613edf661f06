"""Read an information plane by rule, not by eye: where a trajectory rises or falls, and which layers break order.

A stretch of training counts as a phase when the information changed by more than a threshold *and* by more than twice
its standard error. What remains is a statement about the curve of an estimator: estimator bias has phases of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Phase:
    """A stretch of training along which the information only rose, or only fell, by enough to count.

    Attributes:
        start: epoch (or step, or index of the checkpoint) at which it begins.
        stop: epoch at which it ends; the next phase starts there.
        kind: "fit" for a rise, "compress" for a fall.
        delta: change of the smoothed information from start to stop, in the unit of the input.
        loss_change: loss at stop minus loss at start; None when no loss was given.
    """

    start: float
    stop: float
    kind: str
    delta: float
    loss_change: float | None = None


def phases(
    information: Sequence[float] | np.ndarray,
    *,
    epochs: Sequence[float] | np.ndarray | None = None,
    loss: Sequence[float] | np.ndarray | None = None,
    stderr: Sequence[float] | np.ndarray | None = None,
    min_change: float = 0.1,
) -> list[Phase]:
    """Stretches of fitting and of compression in the course of training.

    A running median of three checkpoints removes single outliers (the two ends stay); steps of one sign form a run, a
    step without change belonging to the run before it; a run survives when its change exceeds ``min_change`` and two
    standard errors of a difference. The smallest run that does not is absorbed by its neighbours, then again. A run
    absorbed at either end of the curve shrinks its one neighbour, which may then fail in its turn.

    Args:
        information: I(X;T) by checkpoint, shape ``(T,)``, T >= 2; nats, or the unit of ``min_change``.
        epochs: when the checkpoints were taken, shape ``(T,)``, strictly increasing; 0 .. T-1 when not given.
        loss: loss at the checkpoints, shape ``(T,)``.
        stderr: standard errors of ``information``, shape ``(T,)``; those of one checkpoint, taken as independent
            between checkpoints and not reduced by the median, so on the safe side.
        min_change: least change that counts, >= 0.

    Returns:
        The phases in order, alternating in kind; together they span the training, or there are none at all.

    Raises:
        ValueError: shapes that differ, fewer than two checkpoints, NaN or infinite values, epochs that do not
            increase, or negative ``stderr`` or ``min_change``.

    Source: the rule is this course's; Butakov et al. (2024) read the phases off the plots.
    """
    values = _curve("information", information)
    n = len(values)
    if n < 2:
        raise ValueError(f"information has {n} checkpoints; expected at least 2")
    epochs = np.arange(n, dtype=np.float64) if epochs is None else _curve("epochs", epochs, n)
    if (np.diff(epochs) <= 0).any():
        raise ValueError(f"epochs is {epochs.tolist()}; expected strictly increasing numbers")
    if not 0 <= min_change < math.inf:
        raise ValueError(f"min_change is {min_change}; expected a finite number >= 0")
    error = np.zeros(n) if stderr is None else _standard_errors(stderr, n)
    loss = None if loss is None else _curve("loss", loss, n)
    smooth = values.copy()
    smooth[1:-1] = np.median([values[:-2], values[1:-1], values[2:]], axis=0)
    turns = _surviving_turns(smooth, error, min_change)
    return [
        Phase(
            start=float(epochs[a]),
            stop=float(epochs[b]),
            kind="fit" if smooth[b] > smooth[a] else "compress",
            delta=float(smooth[b] - smooth[a]),
            loss_change=None if loss is None else float(loss[b] - loss[a]),
        )
        for a, b in pairwise(turns)
    ]


def processing_violations(
    iyt: Sequence[float] | np.ndarray, stderr: Sequence[float] | np.ndarray | None = None
) -> list[int]:
    """Layers that seem to know more about the label than a layer before them, which no Markov chain allows.

    A violation speaks about the measurement (each layer compressed on its own, say), never about the network.

    Args:
        iyt: I(L;Y) of the layers in their order, shape ``(L,)``, nats.
        stderr: their standard errors, shape ``(L,)``; zeros when not given. Errors of two layers are taken as
            independent; measured on the same samples they mostly rise and fall together, so this is on the safe side.

    Returns:
        Indices of the layers that exceed an earlier one by more than two standard errors of the difference.

    Raises:
        ValueError: shapes that differ, no layer, NaN or infinite values, or negative ``stderr``.
    """
    iyt = _curve("iyt", iyt)
    error = np.zeros(len(iyt)) if stderr is None else _standard_errors(stderr, len(iyt))
    excess = iyt[None, :] - iyt[:, None] - 2 * np.hypot(error[None, :], error[:, None])  # (earlier, later)
    return np.flatnonzero((np.triu(excess, k=1) > 0).any(axis=0)).tolist()


def _surviving_turns(smooth: np.ndarray, error: np.ndarray, min_change: float) -> list[int]:
    """Indices at which the surviving runs meet, with both ends of the curve; a single index when none survives."""
    turns = list(range(len(smooth)))
    while len(turns) > 1:
        turns = _merge_equal_signs(smooth, turns)
        change = np.abs(np.diff(smooth[turns]))
        threshold = np.maximum(min_change, 2 * np.hypot(error[turns[:-1]], error[turns[1:]]))
        failing = np.flatnonzero(change <= threshold)
        if len(failing) == 0:
            return turns
        smallest = failing[np.argmin(change[failing])]
        # Absorbing a run removes the turns it lies between; the ends of the curve stay, unless it is all one run.
        absorbed = {turns[smallest], turns[smallest + 1]} - {0, len(smooth) - 1}
        turns = [turn for turn in turns if turn not in absorbed] if absorbed else [0]
    return turns


def _merge_equal_signs(smooth: np.ndarray, turns: list[int]) -> list[int]:
    """Drop the turns between runs of equal sign."""
    signs = np.sign(np.diff(smooth[turns]))
    for i in range(1, len(signs)):  # a run without change joins the one before it
        signs[i] = signs[i] or signs[i - 1]
    for i in range(len(signs) - 2, -1, -1):  # or, at the start of the curve, the one that follows
        signs[i] = signs[i] or signs[i + 1]
    inner = [turn for turn, before, after in zip(turns[1:-1], signs[:-1], signs[1:], strict=True) if before != after]
    return [turns[0], *inner, turns[-1]]


def _curve(name: str, values: Sequence[float] | np.ndarray, n: int | None = None) -> np.ndarray:
    values = np.asarray(values)
    expected = "(T,), not empty" if n is None else f"({n},)"
    if values.ndim != 1 or len(values) == 0 or (n is not None and len(values) != n):
        raise ValueError(f"{name} has shape {values.shape}; expected {expected}")
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise ValueError(f"{name} is {values.tolist()}; expected finite numbers")
    return values.astype(np.float64)


def _standard_errors(stderr: Sequence[float] | np.ndarray, n: int) -> np.ndarray:
    stderr = _curve("stderr", stderr, n)
    if (stderr < 0).any():
        raise ValueError(f"stderr is {stderr.tolist()}; expected numbers >= 0")
    return stderr
