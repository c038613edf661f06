"""The street of vortices behind a cylinder, by the lattice Boltzmann method in two dimensions (D2Q9).

Populations of particles hop along nine directions and relax to equilibrium where they meet. Hopping, reflection at the
cylinder and the open end are one table that says where each population comes from; a step is a look-up in it and a
relaxation.
"""

import importlib.util
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

# Directions (right, down) of the nine populations, their weights, and which direction is opposite to which.
DIRECTIONS = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)])
WEIGHTS = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)
OPPOSITE = np.array([0, 3, 4, 1, 2, 7, 8, 5, 6])


@dataclass(frozen=True, eq=False)
class Flow:
    """A simulated flow around a cylinder; lengths in diameters and velocities in units of the inflow.

    Attributes:
        velocity: velocities (right, down), shape ``(T, 2, ny / pool, nx / pool)``, float64; zero within the cylinder.
        frame_time: time between frames, diameters / inflow.
        probe: transverse velocity at a point of the wake after each step, shape ``(T * every,)``, float64.
        step_time: time of a step, diameters / inflow.
        mass: mean density of the fluid at each frame, shape ``(T,)``; 1 at the start.
        obstacle: which cells are solid, bool, shape ``(ny, nx)``.
    """

    velocity: Tensor
    frame_time: float
    probe: Tensor
    step_time: float
    mass: Tensor
    obstacle: Tensor


def vortex_street(
    n_steps: int,
    *,
    reynolds: float = 100.0,
    amplitude: float = 0.05,
    phase: float = 0.0,
    nx: int = 128,
    ny: int = 64,
    diameter: int = 8,
    inflow: float = 0.15,
    every: int = 16,
    pool: int = 2,
    backend: str = "auto",
) -> Flow:
    """Flow past a cylinder: steady below a Reynolds number of about 45, a street of vortices above.

    The left edge feeds fluid in, the right one lets it out, the upper and lower are joined. The cylinder stands a fifth
    of the length from the left, half a cell below the middle. The first transverse velocity is
    ``amplitude * inflow * sin(4 pi x / nx + phase) * exp(-(y / diameter)^2)``, y from the cylinder's middle.

    Args:
        n_steps: steps, >= ``every``.
        reynolds: inflow * diameter / viscosity, > 0.
        amplitude: size of the first disturbance, in units of the inflow.
        phase: its phase, rad.
        nx: cells along the flow.
        ny: cells across the flow.
        diameter: of the cylinder, cells, >= 4; at most ``ny / 4`` and ``nx / 8``.
        inflow: velocity, cells per step, in (0, 0.2]: the method is for flows much slower than sound, 0.58.
        every: steps between frames, >= 1; the first frame is after ``every`` steps.
        pool: frames hold means over squares of this many cells; divides ``nx`` and ``ny``.
        backend: "numba" (compiled, of the extra ``fast``; three times as fast), "torch", or "auto" for numba where it
            is installed. The two agree up to rounding.

    Returns:
        A :class:`Flow` of ``T = n_steps // every`` frames.

    Raises:
        ValueError: an argument out of its range, or a flow that overflows: a Reynolds number too high for the cells.
        ModuleNotFoundError: numba was asked for where it is not installed.

    Source: Krueger et al. (2017), "The Lattice Boltzmann Method", chapters 3 and 5 (BGK collision, bounce-back).
    """
    _require(n_steps, reynolds, nx, ny, diameter, inflow, every, pool)
    for name, value in (("amplitude", amplitude), ("phase", phase)):
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}; expected a finite number")
    obstacle = _cylinder(nx, ny, diameter)
    populations = _start(obstacle, inflow, amplitude, phase, diameter)
    inlet = torch.from_numpy(_equilibrium(np.ones(1), np.array([[inflow], [0.0]])))
    rate = 1 / (3 * inflow * diameter / reynolds + 0.5)
    advance = _numba_advance if _resolve(backend) == "numba" else _torch_advance
    # Four diameters behind the middle of the cylinder, half a diameter to its side.
    cell = (ny // 2 + diameter // 2) * nx + min(nx // 5 + 4 * diameter, nx - 2)
    table, fluid = torch.from_numpy(_sources(obstacle)), torch.from_numpy(~obstacle).flatten()
    frames, probes, mass = [], [], []
    for _ in range(n_steps // every):
        populations, probe = advance(populations, table, inlet, rate, every, nx, cell)
        density = populations.sum(0)
        if not torch.isfinite(density).all() or (density <= 0).any():
            raise ValueError(f"reynolds is {reynolds} and the flow overflows; expected less, or more cells a diameter")
        velocity = torch.from_numpy(DIRECTIONS.T).double() @ populations / density
        frames.append(avg_pool2d((velocity * fluid).reshape(2, ny, nx), pool) / inflow)
        probes.append(probe / inflow)
        mass.append(density[fluid].mean())
    step_time = inflow / diameter
    return Flow(
        torch.stack(frames),
        every * step_time,
        torch.cat(probes),
        step_time,
        torch.stack(mass),
        torch.from_numpy(obstacle),
    )


def vorticity(velocity: Tensor) -> Tensor:
    """Rotation of a flow: d v / dx - d u / dy by central differences, one-sided at the edges.

    Args:
        velocity: velocities (right, down), shape ``(..., 2, H, W)``, H and W >= 2.

    Returns:
        Vorticity, shape ``(..., H, W)``, in units of velocity per pixel; positive from right to down (clockwise).

    Raises:
        ValueError: another shape.
    """
    if velocity.ndim < 3 or velocity.shape[-3] != 2 or min(velocity.shape[-2:]) < 2:
        raise ValueError(f"velocity has shape {tuple(velocity.shape)}; expected (..., 2, H, W) with H, W >= 2")
    along, across = velocity.unbind(-3)
    return torch.gradient(across, dim=-1)[0] - torch.gradient(along, dim=-2)[0]


def strouhal_number(signal: Tensor, dt: float) -> float:
    """The strongest frequency of a signal, between the lines of its spectrum by a parabola.

    With time in diameters / inflow this is the Strouhal number, frequency * diameter / inflow.

    Args:
        signal: values at equal intervals, shape ``(N,)``, N >= 16, several periods long.
        dt: interval, > 0; in units of diameters / inflow for a Strouhal number.

    Returns:
        Frequency, 1 / unit of ``dt``.

    Raises:
        ValueError: a short, constant or non-finite signal, or ``dt <= 0``.
    """
    if signal.ndim != 1 or len(signal) < 16 or not torch.isfinite(signal).all():
        raise ValueError(f"signal has shape {tuple(signal.shape)}; expected at least 16 finite values in a row")
    if not 0 < dt < math.inf:
        raise ValueError(f"dt is {dt}; expected a time > 0")
    centred = signal.double() - signal.double().mean()
    if centred.abs().max() <= 1e-12 * signal.abs().max():
        raise ValueError("signal is constant; expected an oscillation")
    window = torch.hann_window(len(signal), dtype=torch.float64)
    power = torch.fft.rfft(centred * window).abs().clamp_min(1e-300).log()
    peak = int(power[1:-1].argmax()) + 1
    left, middle, right = power[peak - 1 : peak + 2].tolist()
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return (peak + shift) / (len(signal) * dt)


def _torch_advance(f: Tensor, table: Tensor, inlet: Tensor, rate: float, steps: int, nx: int, cell: int):
    weights = torch.from_numpy(WEIGHTS)[:, None]
    directions = torch.from_numpy(DIRECTIONS).double()
    probe = torch.empty(steps, dtype=torch.float64)
    for step in range(steps):
        f = f.flatten()[table]
        f[:, ::nx] = inlet
        density = f.sum(0)
        velocity = directions.T @ f / density
        along = directions @ velocity
        f = torch.lerp(f, weights * density * (1 + 3 * along + 4.5 * along**2 - 1.5 * (velocity**2).sum(0)), rate)
        probe[step] = velocity[1, cell]
    return f, probe


def _numba_advance(f: Tensor, table: Tensor, inlet: Tensor, rate: float, steps: int, nx: int, cell: int):
    from corelib.koopman.compiled import advance  # numba is optional

    f, probe = advance(f.numpy(), table.numpy(), inlet.flatten().numpy(), rate, steps, nx, cell)
    return torch.from_numpy(f), torch.from_numpy(probe)


def _sources(obstacle: np.ndarray) -> np.ndarray:
    """Index of the population that each population is after hopping, shape ``(9, cells)``."""
    ny, nx = obstacle.shape
    y, x = np.mgrid[:ny, :nx]
    table = np.empty((9, ny, nx), dtype=np.int64)
    for i, (right, down) in enumerate(DIRECTIONS):
        from_x, from_y = (x - right) % nx, (y - down) % ny
        hop = i * ny * nx + from_y * nx + from_x
        here = y * nx + x
        # What would come out of the solid is what went into it; solid cells keep what they have.
        table[i] = np.where(obstacle[from_y, from_x], OPPOSITE[i] * ny * nx + here, hop)
        table[i][obstacle] = (i * ny * nx + here)[obstacle]
    outlet = DIRECTIONS[:, 0] < 0
    table[outlet, :, -1] = table[outlet, :, -2]  # nothing comes from beyond the open end: as one cell before
    return table.reshape(9, -1)


def _cylinder(nx: int, ny: int, diameter: int) -> np.ndarray:
    y, x = np.mgrid[:ny, :nx]
    return (x - nx // 5) ** 2 + (y - ny // 2) ** 2 <= (diameter / 2) ** 2


def _start(obstacle: np.ndarray, inflow: float, amplitude: float, phase: float, diameter: int) -> Tensor:
    ny, nx = obstacle.shape
    y, x = np.mgrid[:ny, :nx]
    across = amplitude * np.sin(4 * np.pi * x / nx + phase) * np.exp(-(((y - ny // 2) / diameter) ** 2))
    velocity = inflow * np.stack([np.ones((ny, nx)), across]) * ~obstacle
    return torch.from_numpy(_equilibrium(np.ones(ny * nx), velocity.reshape(2, -1)))


def _equilibrium(density: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    along = DIRECTIONS @ velocity
    return WEIGHTS[:, None] * density * (1 + 3 * along + 4.5 * along**2 - 1.5 * (velocity**2).sum(0))


def _resolve(backend: str) -> str:
    if backend not in ("auto", "numba", "torch"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'numba' or 'torch'")
    has_numba = importlib.util.find_spec("numba") is not None
    if backend == "numba" and not has_numba:
        raise ModuleNotFoundError(
            "backend is 'numba', but numba is not installed; use backend='auto', or install it: "
            'pip install "bottleneck-course[fast]"'
        )
    if backend == "auto":
        return "numba" if has_numba else "torch"
    return backend


def _require(n_steps, reynolds, nx, ny, diameter, inflow, every, pool) -> None:
    if every < 1 or n_steps < every:
        raise ValueError(f"n_steps is {n_steps} and every is {every}; expected n_steps >= every >= 1")
    if not 0 < reynolds < math.inf:
        raise ValueError(f"reynolds is {reynolds}; expected a number > 0")
    if not 0 < inflow <= 0.2:
        raise ValueError(f"inflow is {inflow}; expected a velocity in (0, 0.2]")
    if not 4 <= diameter <= min(ny / 4, nx / 8):
        raise ValueError(f"diameter is {diameter} for {nx} x {ny} cells; expected 4 <= diameter <= min(ny / 4, nx / 8)")
    if pool < 1 or nx % pool or ny % pool:
        raise ValueError(f"pool is {pool}; expected a divisor of nx = {nx} and ny = {ny}")
