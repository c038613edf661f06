"""The 4096-pattern task of the information-bottleneck papers, rebuilt from its geometry.

Twelve bits are twelve lamps on the vertices of an icosahedron. The label is a threshold on a power spectrum that no
rotation of the sphere changes; written in whole numbers it counts lamps, lit neighbours and lit antipodes. The labels
equal those of the file that the papers share, bit for bit (the tests hold its SHA-256).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch

from corelib.datasets.container import Dataset

_GOLDEN = (1 + 5**0.5) / 2
_VERTICES = np.array(
    [
        (_GOLDEN, 0, 1),
        (_GOLDEN, 0, -1),
        (0, 1, -_GOLDEN),
        (1, _GOLDEN, 0),
        (0, -1, -_GOLDEN),
        (0, -1, _GOLDEN),
        (-1, -_GOLDEN, 0),
        (-_GOLDEN, 0, 1),
        (-1, _GOLDEN, 0),
        (-_GOLDEN, 0, -1),
        (0, 1, _GOLDEN),
        (1, -_GOLDEN, 0),
    ]
)


@dataclass(frozen=True, eq=False)
class Icosahedron:
    """Vertices and who is whose neighbour.

    Attributes:
        vertices: coordinates, shape ``(12, 3)``; edge length 2.
        neighbours: bool, shape ``(12, 12)``, 30 edges.
        second_neighbours: bool, shape ``(12, 12)``.
        antipodes: bool, shape ``(12, 12)``, 6 pairs.
    """

    vertices: np.ndarray
    neighbours: np.ndarray
    second_neighbours: np.ndarray
    antipodes: np.ndarray


def icosahedron() -> Icosahedron:
    """The icosahedron whose vertices carry the twelve input bits, in the order of the bits."""
    cosines = _VERTICES @ _VERTICES.T / (_GOLDEN + 2)  # 1, 1/sqrt 5, -1/sqrt 5 or -1
    return Icosahedron(
        vertices=_VERTICES.copy(),
        neighbours=(cosines > 0) & (cosines < 0.9),
        second_neighbours=(cosines < 0) & (cosines > -0.9),
        antipodes=cosines < -0.9,
    )


def icosahedral_symmetries(rotations_only: bool = False) -> np.ndarray:
    """The permutations of the twelve vertices that keep every distance.

    Args:
        rotations_only: leave out the reflections.

    Returns:
        int64, shape ``(120, 12)``, or ``(60, 12)`` of rotations: row g sends vertex i to vertex ``g[i]``.
    """
    # An orthogonal map is known by where three independent vertices go; it counts if it maps vertices to vertices.
    basis = _VERTICES[[0, 2, 3]]
    found = []
    for image in itertools.permutations(range(12), 3):
        matrix = np.linalg.solve(basis, _VERTICES[list(image)])  # rows: v @ matrix
        if not np.allclose(matrix @ matrix.T, np.eye(3)):
            continue
        distances = np.linalg.norm((_VERTICES @ matrix)[:, None] - _VERTICES[None], axis=-1)
        if np.allclose(distances.min(1), 0) and (not rotations_only or np.linalg.det(matrix) > 0):
            found.append(distances.argmin(1))
    return np.array(found)


def pattern_features(x: np.ndarray | torch.Tensor) -> np.ndarray:
    """What the label depends on: lamps, lit neighbour pairs and lit antipodal pairs of each pattern.

    Args:
        x: patterns of zeros and ones, shape ``(N, 12)``.

    Returns:
        int64, shape ``(N, 3)``: k lamps on, a pairs of neighbours both on, c pairs of antipodes both on.

    Raises:
        ValueError: not of shape ``(N, 12)``, or a value that is neither 0 nor 1.
    """
    x = _patterns(x)
    ball = icosahedron()
    pairs = [np.einsum("ni,ij,nj->n", x, graph.astype(np.int64), x) // 2 for graph in (ball.neighbours, ball.antipodes)]
    return np.stack([x.sum(1), *pairs], axis=1)


def band_powers(x: np.ndarray | torch.Tensor) -> np.ndarray:
    """Power of each pattern in the four rotation-invariant bands of functions on the vertices.

    The bands have dimensions 1, 3, 5, 3 (l = 0, 1, 2 and what is left of 3); P_l = x' Pi_l x and sum_l P_l = k.

    Args:
        x: patterns of zeros and ones, shape ``(N, 12)``.

    Returns:
        float64, shape ``(N, 4)``: P_0, P_1, P_2, P_3.

    Raises:
        ValueError: as :func:`pattern_features`.
    """
    ball = icosahedron()
    difference = (ball.neighbours.astype(float) - ball.second_neighbours) / 5**0.5
    identity, antipodes = np.eye(12), ball.antipodes.astype(float)
    band0 = np.full((12, 12), 1 / 12)
    band1 = (identity + difference - antipodes) / 4
    band3 = (identity - difference - antipodes) / 4
    bands = np.stack([band0, band1, identity - band0 - band1 - band3, band3])
    x = _patterns(x).astype(float)
    return np.einsum("ni,lij,nj->nl", x, bands, x)


def szt_task() -> Dataset:
    """The 4096 patterns with their labels: all 12-bit inputs, 2118 of them labelled 1.

    Returns:
        A :class:`Dataset`: x float32 ``(4096, 12)`` of zeros and ones, row r the binary expansion of r with the most
        significant bit first; y int64 ``(4096,)``. The label is 1 where 114 k - 11 k^2 + 24 a - 12 c >= 430, with k,
        a, c as in :func:`pattern_features`. H(Y) = 0.99915712 bits.

    Source: the task of Shwartz-Ziv and Tishby (2017), used by Saxe et al. (2018) and Chelombiev et al. (2019).
    """
    x = (np.arange(4096)[:, None] >> np.arange(11, -1, -1)) & 1
    k, a, c = pattern_features(x).T
    y = 114 * k - 11 * k**2 + 24 * a - 12 * c >= 430
    return Dataset(
        name="4096 patterns on a sphere",
        x=torch.from_numpy(x.astype(np.float32)),
        y=torch.from_numpy(y.astype(np.int64)),
        n_classes=2,
        source="generated; the task of Shwartz-Ziv and Tishby (2017)",
    )


def _patterns(x: np.ndarray | torch.Tensor) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != 12:
        raise ValueError(f"x has shape {x.shape}; expected (N, 12), one bit a vertex")
    if not np.isin(x, (0, 1)).all():
        raise ValueError("x holds values other than 0 and 1; expected bits")
    return x.astype(np.int64)
