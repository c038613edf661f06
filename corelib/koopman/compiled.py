"""Steps of the lattice Boltzmann method compiled by numba, which is optional (extra ``fast``).

:mod:`kernels.lattice_boltzmann.reference` has an equal of this in torch.
"""

import numpy as np
import torch
from numba import njit
from torch import Tensor

from kernels.lattice_boltzmann.reference import DIRECTIONS, WEIGHTS

_RIGHT, _DOWN = (np.ascontiguousarray(axis, dtype=np.float64) for axis in DIRECTIONS.T)


def advance(
    populations: Tensor, table: Tensor, inlet: Tensor, rate: float, steps: int, probe: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Populations after ``steps`` steps, and the probe's velocity; arguments and results as in the reference."""
    _, ny, nx = populations.shape
    flat = populations.numpy().reshape(9, -1), table.numpy().reshape(9, -1)
    after, across = _advance(*flat, inlet.numpy(), rate, steps, nx, probe[0] * nx + probe[1])
    return torch.from_numpy(after).view(9, ny, nx), torch.from_numpy(across)


@njit(cache=True, error_model="numpy")
def _advance(f, table, inlet, rate, steps, nx, cell):
    """``steps`` steps from the populations ``f``; returns the last populations, also the probe's transverse velocities.

    One population at a time over all cells: simple loops that the compiler turns into vector instructions.
    """
    cells = f.shape[1]
    density, right, down, probe = np.empty(cells), np.empty(cells), np.empty(cells), np.empty(steps)
    old, new = f.copy(), np.empty_like(f)
    for step in range(steps):
        flat = old.reshape(-1)
        density[:], right[:], down[:] = 0.0, 0.0, 0.0
        for i in range(9):
            source, here = table[i], new[i]
            for j in range(cells):
                here[j] = flat[source[j]]
            here[::nx] = inlet[i]
            for j in range(cells):
                density[j] += here[j]
                right[j] += _RIGHT[i] * here[j]
                down[j] += _DOWN[i] * here[j]
        for j in range(cells):
            right[j] /= density[j]
            down[j] /= density[j]
        for i in range(9):
            here = new[i]
            for j in range(cells):
                along = _RIGHT[i] * right[j] + _DOWN[i] * down[j]
                rest = 1 - 1.5 * (right[j] ** 2 + down[j] ** 2)
                here[j] += rate * (WEIGHTS[i] * density[j] * (rest + along * (3 + 4.5 * along)) - here[j])
        probe[step] = down[cell]
        old, new = new, old
    return old, probe
