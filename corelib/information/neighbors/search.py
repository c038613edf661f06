"""Exact nearest neighbours of every sample among the others, in one space or in the joint space of two."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from corelib.information.neighbors.backends import resolve
from corelib.information.samples import as_samples, require_neighbours, require_option

METRICS = ("euclidean", "chebyshev")
_BLOCK = 256  # rows of distances held at once by the torch back end


def knn_distances(x: np.ndarray | Tensor, k: int, *, metric: str = "euclidean", backend: str = "auto") -> np.ndarray:
    """Distance of every sample to its 1st .. k-th nearest other sample.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``.
        k: number of neighbours, 1 <= k < N.
        metric: "euclidean" or "chebyshev" (the max-norm).
        backend: "auto", "numba", "tree" or "torch"; see :mod:`corelib.information.neighbors.backends`.

    Returns:
        Shape ``(N, k)``, float64, in the unit of x, ascending along a row. Samples that coincide are at distance 0.

    Raises:
        ValueError: k outside 1 .. N-1, an unknown option, or as :func:`as_samples`.
    """
    require_option("metric", metric, METRICS)
    x = as_samples("x", x)
    require_neighbours(k, len(x))
    backend = resolve(backend, x.shape[1])
    if backend == "triton":
        raise ValueError("backend is 'triton'; expected 'auto', 'numba', 'tree' or 'torch' (the kernel is for ksg_mi)")
    if backend == "numba":
        from corelib.information.neighbors import compiled

        found = compiled.nearest(*compiled.blocks(x), k, metric == "euclidean")[0]
        return np.sqrt(found) if metric == "euclidean" else found
    if backend == "tree":
        return _tree(x, k, metric)[0]
    return _brute(x, k, metric)


@dataclass(frozen=True)
class JointNeighbors:
    """The k nearest neighbours of every pair (x_i, y_i), where the distance is the larger of the two sides'.

    Attributes:
        eps: distance to the k-th neighbour, shape ``(N,)``.
        eps_x: largest distance to one of the k neighbours on the x side, shape ``(N,)``.
        eps_y: the same on the y side.
    """

    eps: np.ndarray
    eps_x: np.ndarray
    eps_y: np.ndarray


def joint_neighbors(x: np.ndarray, y: np.ndarray, k: int, backend: str = "auto") -> JointNeighbors:
    """Neighbours in the joint space, max-norm throughout, as the KSG estimators need them.

    Args:
        x: float64, shape ``(N, d_x)``.
        y: float64, shape ``(N, d_y)``.
        k: number of neighbours, 1 <= k < N.
        backend: see :mod:`corelib.information.neighbors.backends`.

    Returns:
        A :class:`JointNeighbors`. Of neighbours at the same distance the one with the smaller number comes first.
    """
    backend = resolve(backend, x.shape[1] + y.shape[1])
    if backend in ("torch", "triton"):
        from kernels.ksg import ksg_neighbors

        device = "cuda" if backend == "triton" and torch.cuda.is_available() else "cpu"
        sides = (torch.from_numpy(side).to(device) for side in (x, y))
        return JointNeighbors(*(found.cpu().numpy() for found in ksg_neighbors(*sides, k, backend=backend)))
    joint = np.hstack([x, y])
    if backend == "numba":
        from corelib.information.neighbors import compiled

        distance, neighbour = compiled.nearest(*compiled.blocks(joint), k, False)
    else:
        distance, neighbour = _tree(joint, k, "chebyshev")
    eps_x, eps_y = (np.abs(side[neighbour] - side[:, None]).max(axis=(1, 2)) for side in (x, y))
    return JointNeighbors(distance[:, -1], eps_x, eps_y)


def _tree(x: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances and numbers of the k nearest others, ``(N, k)`` each, by a KD-tree asked in the order of its leaves."""
    tree = cKDTree(x)
    order = tree.indices
    found = tree.query(x[order], k=min(k + 2, len(x)), p=2 if metric == "euclidean" else np.inf)
    distance, neighbour = (np.empty_like(part) for part in found)
    distance[order], neighbour[order] = found
    # The point itself is at distance 0, but so are its duplicates: it is taken out by its number.
    own = neighbour == np.arange(len(x))[:, None]
    own[~own.any(axis=1), -1] = True
    distance, neighbour = (part[~own].reshape(len(x), -1) for part in (distance, neighbour))
    tied = np.flatnonzero(distance[:, k - 1] == distance[:, k]) if distance.shape[1] > k else np.arange(0)
    distance, neighbour = distance[:, :k], neighbour[:, :k]
    for i in tied:  # which of the equally far points the tree returned is chance
        neighbour[i] = _smallest_numbers(x, i, k, metric)
    return distance, neighbour


def _smallest_numbers(x: np.ndarray, i: int, k: int, metric: str) -> np.ndarray:
    gaps = np.abs(x - x[i])
    gaps = (gaps**2).sum(axis=1) if metric == "euclidean" else gaps.max(axis=1)
    gaps[i] = np.inf
    return np.argsort(gaps, kind="stable")[:k]


def _brute(x: np.ndarray, k: int, metric: str) -> np.ndarray:
    points, p = torch.from_numpy(x), 2.0 if metric == "euclidean" else float("inf")
    rows = []
    for start in range(0, len(x), _BLOCK):
        gaps = torch.cdist(points[start : start + _BLOCK], points, p, compute_mode="donot_use_mm_for_euclid_dist")
        gaps.diagonal(start).fill_(float("inf"))
        rows.append(gaps.topk(k, dim=1, largest=False).values)
    return torch.cat(rows).numpy()
