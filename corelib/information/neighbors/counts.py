"""How many other samples lie within a radius of each: exact integers, whichever back end counts.

Whether the point at the very radius counts decides the last digits of a KSG estimate, so nothing here rounds: what is
compared is the difference of two samples, as the neighbour search computed it.
"""

import numpy as np
import torch

from corelib.information.neighbors.backends import resolve


def count_within(x: np.ndarray, radius: np.ndarray, *, strict: bool = True, backend: str = "auto") -> np.ndarray:
    """Number of j != i with |x_j - x_i| < radius_i in the max-norm (or <=, unless strict).

    Args:
        x: float64, shape ``(N, d)``.
        radius: float64, shape ``(N,)``, >= 0, in the unit of x.
        strict: leave out points at the very radius.
        backend: see :mod:`corelib.information.neighbors.backends`; "auto" and "tree" sort where d is 1.

    Returns:
        int64, shape ``(N,)``.
    """
    if x.shape[1] == 1 and backend in ("auto", "tree", "numba"):
        return _sorted(x[:, 0], radius, strict)
    backend = resolve(backend, x.shape[1])
    if backend == "numba":
        from corelib.information.neighbors import compiled

        return compiled.count_within(*compiled.blocks(x), radius, strict)
    if backend == "tree":
        return _tree(x, radius, strict)
    from kernels.ksg import marginal_counts

    device = "cuda" if backend == "triton" and torch.cuda.is_available() else "cpu"
    sides = (torch.from_numpy(part).to(device) for part in (x, radius))
    return marginal_counts(*sides, strict=strict, backend=backend).cpu().numpy()


def _sorted(x: np.ndarray, radius: np.ndarray, strict: bool) -> np.ndarray:
    """Sort, bisect for x - r and x + r, then step until the differences themselves say where to stop."""
    order = np.argsort(x, kind="stable")
    v, r = x[order], radius[order]
    new = np.concatenate([[True], v[1:] != v[:-1]])
    first = np.flatnonzero(new)  # where each run of equal values begins
    u, own, bounds = v[first], np.cumsum(new) - 1, np.append(first, len(v))
    low = np.minimum(np.searchsorted(u, v - r), own)
    high = np.maximum(np.searchsorted(u, v + r, side="right") - 1, own)
    near = np.less if strict else np.less_equal
    # v - r and v + r were rounded, so that the ends may be off by a few runs of values, in either direction.
    while (move := (low > 0) & near(v - u[low - 1], r)).any():
        low -= move
    while (move := (low < own) & ~near(v - u[low], r)).any():
        low += move
    last = len(u) - 1
    while (move := (high < last) & near(u[np.minimum(high + 1, last)] - v, r)).any():
        high += move
    while (move := (high > own) & ~near(u[high] - v, r)).any():
        high -= move
    counts = np.empty(len(v), dtype=np.int64)
    counts[order] = bounds[high + 1] - bounds[low] - 1
    if strict:
        counts[radius == 0] = 0  # not even its duplicates lie closer than 0
    return counts


def _tree(x: np.ndarray, radius: np.ndarray, strict: bool) -> np.ndarray:
    from sklearn.neighbors import KDTree  # its counter is two to three times faster than SciPy's

    tree = KDTree(x, metric="chebyshev")
    order = np.asarray(tree.idx_array)  # neighbouring queries find the same leaves in the cache
    # The tree counts "<=" only: a float just below the radius makes it "<".
    within = np.nextafter(radius, -np.inf) if strict else radius
    counts = np.zeros(len(x), dtype=np.int64)
    counts[order] = tree.query_radius(x[order], np.maximum(within[order], 0.0), count_only=True) - 1
    if strict:
        counts[radius == 0] = 0
    return counts
