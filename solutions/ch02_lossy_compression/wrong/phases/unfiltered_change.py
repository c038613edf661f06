"""Wrong: changes are measured in the unfiltered curve."""

from itertools import pairwise

import numpy as np

LEAST = 0.1


def phases(information, stderr, permuted):
    """Stretches along which a trajectory rises or falls by enough to count."""
    curve = information if permuted is None else information - permuted
    smooth = curve.copy()
    smooth[1:-1] = np.median([curve[:-2], curve[1:-1], curve[2:]], axis=0)
    turns, last = list(range(len(curve))), len(curve) - 1
    while True:
        inner, sign = [], 0.0
        for turn, step in zip(turns[:-1], np.sign(np.diff(smooth[turns])), strict=True):
            if step * sign < 0:
                inner.append(turn)
            sign = step or sign
        turns = [0, *inner, last]
        change = np.abs(np.diff(curve[turns]))
        small = change <= np.maximum(LEAST, 2 * np.hypot(stderr[turns[:-1]], stderr[turns[1:]]))
        if not small.any():
            return [(a, b, "fit" if curve[b] > curve[a] else "compress") for a, b in pairwise(turns)]
        if len(change) == 1:
            return []
        smallest = int(np.argmin(np.where(small, change, np.inf)))
        gone = {turns[smallest], turns[smallest + 1]} - {0, last}
        turns = [turn for turn in turns if turn not in gone]
