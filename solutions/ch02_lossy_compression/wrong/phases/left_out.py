"""Wrong: small runs are left out and their neighbours stay apart."""

from itertools import pairwise

import numpy as np

LEAST = 0.1


def phases(information, stderr, permuted):
    """Stretches along which a trajectory rises or falls by enough to count."""
    curve = information if permuted is None else information - permuted
    smooth = curve.copy()
    smooth[1:-1] = np.median([curve[:-2], curve[1:-1], curve[2:]], axis=0)
    turns, last = list(range(len(curve))), len(curve) - 1
    inner, sign = [], 0.0
    for turn, step in zip(turns[:-1], np.sign(np.diff(smooth[turns])), strict=True):
        if step * sign < 0:
            inner.append(turn)
        sign = step or sign
    turns = [0, *inner, last]
    change = np.abs(np.diff(smooth[turns]))
    small = change <= np.maximum(LEAST, 2 * np.hypot(stderr[turns[:-1]], stderr[turns[1:]]))
    runs = [pair for pair, too_small in zip(pairwise(turns), small, strict=True) if not too_small]
    return [(a, b, "fit" if smooth[b] > smooth[a] else "compress") for a, b in runs]
