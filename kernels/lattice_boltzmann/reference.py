"""What the kernel computes, in plain PyTorch: the page to read first.

Populations of particles hop along nine directions (D2Q9) and relax to equilibrium where they meet. Hopping, reflection
at the obstacle and the open end are one table that says where each population comes from; a step is a look-up in it
and a relaxation.
"""

import numpy as np
import torch
from torch import Tensor

# Directions (right, down) of the nine populations, their weights, and which direction is opposite to which.
DIRECTIONS = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)])
PARTS = np.array([16] + [4] * 4 + [1] * 4)  # of 36
WEIGHTS = PARTS / 36
OPPOSITE = np.array([0, 3, 4, 1, 2, 7, 8, 5, 6])


def sources(obstacle: Tensor) -> Tensor:
    """Where each population hops from: places in the flattened populations, shape ``(9, ny, nx)``, int64.

    Args:
        obstacle: which cells are solid, bool, shape ``(ny, nx)``.
    """
    ny, nx = obstacle.shape
    y, x = torch.arange(ny, device=obstacle.device)[:, None], torch.arange(nx, device=obstacle.device)
    here = y * nx + x
    table = torch.empty(9, ny, nx, dtype=torch.int64, device=obstacle.device)
    for i, (right, down) in enumerate(DIRECTIONS.tolist()):
        from_x, from_y = (x - right) % nx, (y - down) % ny
        stay, turn = i * ny * nx + here, int(OPPOSITE[i]) * ny * nx + here
        hop = i * ny * nx + from_y * nx + from_x
        # What would come out of the solid is what went into it; solid cells keep what they have.
        table[i] = torch.where(obstacle, stay, torch.where(obstacle[from_y, from_x], turn, hop))
    leftward = torch.from_numpy(DIRECTIONS[:, 0] < 0)
    table[leftward, :, -1] = table[leftward, :, -2]  # nothing comes from beyond the open end: as one cell before
    return table


def advance(
    populations: Tensor, table: Tensor, inlet: Tensor, rate: float, steps: int, probe: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Populations after ``steps`` steps, and the probe's velocity; as the public function, with a table."""
    directions = torch.from_numpy(DIRECTIONS).to(populations)
    parts = torch.from_numpy(PARTS).to(populations)[:, None, None]
    across = populations.new_empty(steps)
    for step in range(steps):
        populations = populations.flatten()[table]
        populations[:, :, 0] = inlet
        density = populations.sum(0)
        velocity = torch.tensordot(directions.T, populations, 1) / density
        along = torch.tensordot(directions, velocity, 1)
        shape = 1 + 3 * along + 4.5 * along**2 - 1.5 * (velocity**2).sum(0)
        # Divided by 36: a weight rounded to float32 is too large in every step, and the flow would gain momentum.
        populations = torch.lerp(populations, parts * (density / 36) * shape, rate)
        across[step] = velocity[1, *probe]
    return populations, across
