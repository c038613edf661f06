"""Steps in time and what their arguments must be; shared by the systems of this package."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from corelib.koopman.operators import require_count


def runge_kutta(velocity: Callable[[Tensor], Tensor], start: Tensor, n_steps: int, dt: float, substeps: int) -> Tensor:
    """States at multiples of ``dt`` by the classical Runge-Kutta method, each ``dt`` cut in ``substeps``."""
    require_steps(n_steps, dt, substeps)
    h = dt / substeps

    def advance(x: Tensor) -> Tensor:
        for _ in range(substeps):
            k1 = velocity(x)
            k2 = velocity(x + h / 2 * k1)
            k3 = velocity(x + h / 2 * k2)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + velocity(x + h * k3))
        return x

    return iterate(advance, start, n_steps)


def iterate(step: Callable[[Tensor], Tensor], start: Tensor, n_steps: int) -> Tensor:
    """The start and its images under ``n_steps`` applications of a map, stacked before the last axis."""
    require_count("n_steps", n_steps)
    states = [start]
    for _ in range(n_steps):
        states.append(step(states[-1]))
    return require_finite(torch.stack(states, dim=-2))


def require_finite(states: Tensor) -> Tensor:
    """The states, or ValueError where they overflow."""
    if not torch.isfinite(states).all():
        raise ValueError("the states overflow; expected a stable system, or shorter steps")
    return states


def checked_states(name: str, states: Tensor, size: int | None) -> Tensor:
    """States in float64, or ValueError for a last axis other than ``size`` or values that are not finite."""
    if states.ndim < 1 or (size is not None and states.shape[-1] != size):
        raise ValueError(f"{name} has shape {tuple(states.shape)}; expected (..., {size or 'N'})")
    if not torch.isfinite(states).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    return states.double()


def require_steps(n_steps: int, dt: float, substeps: int = 1) -> None:
    """Raise ValueError unless there is a step to take, of a positive length."""
    require_count("n_steps", n_steps)
    require_count("substeps", substeps)
    if not 0 < dt < math.inf:
        raise ValueError(f"dt is {dt}; expected a time > 0")
