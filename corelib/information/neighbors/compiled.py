"""Neighbours and counts compiled by numba: blocks of nearby points, and boxes that rule blocks out.

Points are put into the leaf order of a KD-tree and cut into blocks of 32. A block whose bounding box lies farther
from a query than what is wanted is skipped whole; the others are compared 32 points at once. In few dimensions almost
everything is skipped, in many it is brute force at the speed of the processor's vectors. A bound is made of the same
subtractions as the distances, and rounding is monotone: what is skipped could not have counted.

numba is optional (extra ``fast``); :mod:`search` and :mod:`counts` have an equal of everything here without it.
"""

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

BLOCK = 32


def blocks(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut samples into blocks of points that lie together.

    Args:
        x: shape ``(N, d)``, float64.

    Returns:
        ``(index, points, low, high)``: the samples' numbers ``(B, 32)``, -1 where the last block is not full; their
        coordinates ``(B, d, 32)``, infinite there; and the corners of the boxes, each ``(B, d)``.
    """
    n, d = x.shape
    order = cKDTree(x, leafsize=BLOCK, compact_nodes=False).indices
    count = -(-n // BLOCK)
    index = np.full(count * BLOCK, -1, dtype=np.int64)
    index[:n] = order
    points = np.full((count * BLOCK, d), np.inf)
    points[:n] = x[order]
    points = points.reshape(count, BLOCK, d)
    low = points.min(axis=1)
    high = np.where(np.isinf(points), -np.inf, points).max(axis=1)
    return index.reshape(count, BLOCK), np.ascontiguousarray(points.transpose(0, 2, 1)), low, high


@njit(cache=True, error_model="numpy")
def nearest(index, points, low, high, k, euclidean):
    """The k nearest other points of every point; equal distances in the order of the points' numbers.

    Args:
        index: from :func:`blocks`.
        points: from :func:`blocks`.
        low: from :func:`blocks`.
        high: from :func:`blocks`.
        k: number of neighbours.
        euclidean: squared Euclidean distances; otherwise the max-norm.

    Returns:
        ``(distance, neighbour)``, each ``(N, k)``, sorted along a row; rows in the order of the points' numbers.
    """
    n_blocks, _, width = points.shape
    n = index.max() + 1
    distance = np.full((n, k), np.inf)
    neighbour = np.full((n, k), n, dtype=np.int64)
    gap = np.empty(width)
    for a in range(n_blocks):
        farthest = np.inf  # over the block's points: the distance to the k-th neighbour found so far
        for turn in range(n_blocks):
            # The own block, then outwards: the first ones make the bound that rules out most of the others.
            b = (a + (turn + 1) // 2 if turn % 2 else a - turn // 2) % n_blocks
            if _box_distance(low[a], high[a], low[b], high[b], euclidean) > farthest:
                continue
            farthest = 0.0
            for i in range(width):
                me = index[a, i]
                if me < 0:
                    break
                bound = distance[me, k - 1]
                if _point_distance(points[a, :, i], low[b], high[b], euclidean) <= bound:
                    _distances(points[a, :, i], points[b], euclidean, gap)
                    for j in range(width):
                        if gap[j] <= bound and index[b, j] >= 0 and index[b, j] != me:
                            _insert(distance[me], neighbour[me], gap[j], index[b, j])
                            bound = distance[me, k - 1]
                farthest = max(farthest, bound)
    return distance, neighbour


@njit(cache=True, error_model="numpy")
def count_within(index, points, low, high, radius, strict):
    """How many other points lie within a radius of every point, in the max-norm.

    Args:
        index: from :func:`blocks`.
        points: from :func:`blocks`.
        low: from :func:`blocks`.
        high: from :func:`blocks`.
        radius: shape ``(N,)``, >= 0.
        strict: whether a point at the very radius is left out.

    Returns:
        Counts ``(N,)``, int64.
    """
    n_blocks, _, width = points.shape
    counts = np.zeros(len(radius), dtype=np.int64)
    gap = np.empty(width)
    for a in range(n_blocks):
        farthest = 0.0
        for i in range(width):
            if index[a, i] >= 0:
                farthest = max(farthest, radius[index[a, i]])
        for b in range(n_blocks):
            if _box_distance(low[a], high[a], low[b], high[b], False) > farthest:
                continue
            for i in range(width):
                me = index[a, i]
                if me < 0:
                    break
                r = radius[me]
                if _point_distance(points[a, :, i], low[b], high[b], False) > r:
                    continue
                _distances(points[a, :, i], points[b], False, gap)
                found = 0
                if strict:
                    for j in range(width):
                        found += gap[j] < r
                else:
                    for j in range(width):
                        found += gap[j] <= r
                counts[me] += found
    for i in range(len(radius)):
        if radius[i] > 0 or not strict:
            counts[i] -= 1  # the point itself, at distance 0
    return counts


@njit(inline="always")
def _distances(x, points, euclidean, out):
    """Distances of the point ``x (d,)`` to the 32 of ``points (d, 32)``."""
    out[:] = 0.0
    for c in range(len(x)):
        here = x[c]
        if euclidean:
            for j in range(len(out)):
                step = points[c, j] - here
                out[j] += step * step
        else:
            for j in range(len(out)):
                step = abs(points[c, j] - here)
                out[j] = step if step > out[j] else out[j]


@njit(inline="always")
def _point_distance(x, low, high, euclidean):
    """Least distance that a point in the box can have from ``x``."""
    least = 0.0
    for c in range(len(x)):
        step = max(0.0, low[c] - x[c], x[c] - high[c])
        least = least + step * step if euclidean else max(least, step)
    return least


@njit(inline="always")
def _box_distance(low_a, high_a, low_b, high_b, euclidean):
    """Least distance that points of two boxes can have."""
    least = 0.0
    for c in range(len(low_a)):
        step = max(0.0, low_b[c] - high_a[c], low_a[c] - high_b[c])
        least = least + step * step if euclidean else max(least, step)
    return least


@njit(inline="always")
def _insert(distance, neighbour, gap, j):
    """Put a neighbour into the sorted list, whose last one falls out; equal distances by number."""
    place = len(distance)
    while place > 0 and (gap < distance[place - 1] or (gap == distance[place - 1] and j < neighbour[place - 1])):
        if place < len(distance):
            distance[place], neighbour[place] = distance[place - 1], neighbour[place - 1]
        place -= 1
    if place < len(distance):
        distance[place], neighbour[place] = gap, j
