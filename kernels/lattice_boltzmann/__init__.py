"""Steps of a flow past an obstacle by the lattice Boltzmann method (D2Q9): Triton on a GPU, plain PyTorch elsewhere.

Per cell and step nine populations are read and nine written, 72 bytes in float32, and one byte of the obstacle; about
150 operations, so memory binds: a GPU that moves 3 TB/s can do at most 41 billion cells a second. Two buffers take
turns, 72 bytes a cell, beside the populations that came in.

Single precision, measured on a street of vortices (128 x 64 cells, Reynolds number 100) against float64: velocities are
off by at most 5e-6 of the inflow after 500 steps and 1.4e-4 after 4000. Weights rounded to float32 would make that 2e-5
and 7e-3, so the density is divided by 36 instead. Keeping deviations from rest instead of populations was tried on top:
3e-6 and 3e-5, not worth a second meaning of the word population.
"""

import torch
from torch import Tensor

from . import reference


def stream_and_collide(
    populations: Tensor,
    obstacle: Tensor,
    inlet: Tensor,
    rate: float,
    *,
    steps: int = 1,
    probe: tuple[int, int] = (0, 0),
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Populations hop to their neighbours and relax to equilibrium, ``steps`` times.

    The left column is fed by the inlet; the right one lets the fluid out (no gradient); the upper and lower edge are
    joined; what hops into a solid cell comes back. Directions (right, down) of the nine populations, in order: (0, 0),
    (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1). The viscosity is ``(1 / rate - 1 / 2) / 3``
    cells^2 per step.

    Args:
        populations: shape ``(9, ny, nx)``, nx >= 3, float32 or float64 (the Triton kernel computes in float32); their
            sum is the density of each cell, > 0. They are not changed.
        obstacle: which cells are solid, bool, shape ``(ny, nx)``, device of the populations.
        inlet: populations in the left column before they relax, shape ``(9, ny)``, dtype and device of the populations.
        rate: part of the way to equilibrium that a step goes, in (0, 2).
        steps: >= 1.
        probe: cell (row, column) of which the velocity is wanted.
        backend: "auto" (Triton for CUDA tensors), "triton" or "torch".

    Returns:
        The populations after the last step, ``(9, ny, nx)``, and the probe's transverse velocity (down) in each step,
        ``(steps,)``, cells per step; dtype of the populations.

    Raises:
        TypeError: a wrong dtype, or steps or probe are not integers.
        ValueError: shapes or devices that do not fit, NaN or infinite values, a density <= 0, rate, steps or probe out
            of range, an unknown backend, "triton" without a GPU, or a flow that overflows.
        ModuleNotFoundError: "triton" was asked for where it is not installed.

    Source: Krueger et al. (2017), "The Lattice Boltzmann Method", chapters 3 and 5 (BGK collision, bounce-back).
    """
    _require_tensors(populations, obstacle, inlet)
    _require_numbers(rate, steps, probe, populations.shape[1:])
    if backend not in ("auto", "triton", "torch"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'triton' or 'torch'")
    if backend == "torch" or (backend == "auto" and not populations.is_cuda):
        after, across = reference.advance(populations, reference.sources(obstacle), inlet, rate, steps, probe)
    else:
        try:
            from .kernel import launch  # late: triton is absent on some platforms
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "backend is 'triton', but triton is not installed; use backend='torch'"
            ) from error
        after, across = launch(populations, obstacle, inlet, rate, steps, probe)
    if not _flows(after):
        raise ValueError(f"the flow overflows within {steps} steps at rate {rate}; expected less speed, or less rate")
    return after, across


def _flows(populations: Tensor) -> bool:
    """Whether all densities are positive and finite, which they are not where a population is NaN or infinite."""
    density = populations.sum(0)
    return bool(((density > 0) & torch.isfinite(density)).all())


def _require_tensors(populations: Tensor, obstacle: Tensor, inlet: Tensor) -> None:
    if populations.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"populations has dtype {populations.dtype}; expected float32 or float64")
    shape = tuple(populations.shape)
    if len(shape) != 3 or shape[0] != 9 or shape[1] < 1 or shape[2] < 3:
        raise ValueError(f"populations has shape {shape}; expected (9, ny, nx) with ny >= 1 and nx >= 3")
    if obstacle.dtype != torch.bool:
        raise TypeError(f"obstacle has dtype {obstacle.dtype}; expected bool")
    if inlet.dtype != populations.dtype:
        raise TypeError(f"inlet has dtype {inlet.dtype}; expected {populations.dtype}, as populations has")
    for name, tensor, expected in (("obstacle", obstacle, shape[1:]), ("inlet", inlet, shape[:2])):
        if tuple(tensor.shape) != expected:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {expected}")
        if tensor.device != populations.device:
            raise ValueError(f"{name} is on {tensor.device}; expected {populations.device}, where populations is")
    for name, tensor in (("populations", populations), ("inlet", inlet)):
        if not _flows(tensor):
            raise ValueError(f"{name} holds NaN, infinite values or a density <= 0; expected finite, density > 0")


def _require_numbers(rate: float, steps: int, probe: tuple[int, int], shape: tuple[int, int]) -> None:
    if not 0 < rate < 2:
        raise ValueError(f"rate is {rate}; expected a number in (0, 2)")
    for name, value in (("steps", steps), ("probe[0]", probe[0]), ("probe[1]", probe[1])):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}; expected an integer")
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected an integer >= 1")
    if not (0 <= probe[0] < shape[0] and 0 <= probe[1] < shape[1]):
        raise ValueError(f"probe is {probe}; expected a cell (row, column) of {shape[0]} x {shape[1]}")
