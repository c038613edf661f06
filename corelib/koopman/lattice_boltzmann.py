"""The street of vortices behind a cylinder, by the lattice Boltzmann method in two dimensions (D2Q9).

The method's step is :mod:`kernels.lattice_boltzmann`; here are the cylinder, the first disturbance, units, and what is
seen of the flow.
"""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from kernels.lattice_boltzmann import reference
from kernels.lattice_boltzmann.reference import DIRECTIONS, WEIGHTS


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
        backend: "numba" (compiled, of the extra ``fast``; several times as fast as torch), "torch", "auto" for numba
            where it is installed and torch elsewhere, or "triton": float32 on the CUDA device, for large grids. The
            first two agree up to rounding in float64, the last up to that in float32.

    Returns:
        A :class:`Flow` of ``T = n_steps // every`` frames.

    Raises:
        ValueError: an argument out of its range, a flow that overflows (a Reynolds number too high for the cells), or
            triton without a CUDA device.
        ModuleNotFoundError: numba or triton was asked for where it is not installed.

    Source: Krueger et al. (2017), "The Lattice Boltzmann Method", chapters 3 and 5 (BGK collision, bounce-back).
    """
    _require(n_steps, reynolds, amplitude, phase, nx, ny, diameter, inflow, every, pool)
    backend = _resolve(backend)
    obstacle = _cylinder(nx, ny, diameter)
    populations = _start(obstacle, inflow, amplitude, phase, diameter)
    if backend == "triton":
        populations = populations.float().to("cuda" if torch.cuda.is_available() else "cpu")
    solid = torch.from_numpy(obstacle).to(populations.device)
    inlet = torch.from_numpy(_equilibrium(np.ones(ny), np.array([[inflow], [0.0]]))).to(populations)
    advance, places = _steps_of(backend, solid)
    rate = 1 / (3 * inflow * diameter / reynolds + 0.5)
    # Four diameters behind the middle of the cylinder, half a diameter to its side.
    probe = ny // 2 + diameter // 2, min(nx // 5 + 4 * diameter, nx - 2)
    frames, probes, mass = [], [], []
    for _ in range(n_steps // every):
        populations, across = advance(populations, places, inlet, rate, every, probe)
        density, velocity = _observe(populations)
        if not torch.isfinite(density).all() or (density <= 0).any():
            raise ValueError(f"reynolds is {reynolds} and the flow overflows; expected less, or more cells a diameter")
        frames.append(avg_pool2d(velocity * ~solid, pool).cpu() / inflow)
        probes.append(across.double().cpu() / inflow)
        mass.append(density[~solid].mean().cpu())
    step_time = inflow / diameter
    return Flow(torch.stack(frames), every * step_time, torch.cat(probes), step_time, torch.stack(mass), solid.cpu())


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


def _steps_of(backend: str, obstacle: Tensor) -> tuple[Callable, Tensor]:
    """The function that advances populations, and what tells it where the obstacle is."""
    if backend == "triton":
        from kernels.lattice_boltzmann.kernel import launch  # triton is absent on some platforms

        return launch, obstacle
    if backend == "numba":
        from corelib.koopman.compiled import advance  # numba is optional

        return advance, reference.sources(obstacle)
    return reference.advance, reference.sources(obstacle)


def _observe(populations: Tensor) -> tuple[Tensor, Tensor]:
    """Density ``(ny, nx)`` and velocity ``(2, ny, nx)``, cells per step, of populations, in float64."""
    f = populations.double()
    density = f.sum(0)
    return density, torch.tensordot(torch.from_numpy(DIRECTIONS.T).to(f), f, 1) / density


def _cylinder(nx: int, ny: int, diameter: int) -> np.ndarray:
    y, x = np.mgrid[:ny, :nx]
    return (x - nx // 5) ** 2 + (y - ny // 2) ** 2 <= (diameter / 2) ** 2


def _start(obstacle: np.ndarray, inflow: float, amplitude: float, phase: float, diameter: int) -> Tensor:
    ny, nx = obstacle.shape
    y, x = np.mgrid[:ny, :nx]
    across = amplitude * np.sin(4 * np.pi * x / nx + phase) * np.exp(-(((y - ny // 2) / diameter) ** 2))
    velocity = inflow * np.stack([np.ones((ny, nx)), across]) * ~obstacle
    return torch.from_numpy(_equilibrium(np.ones((ny, nx)), velocity))


def _equilibrium(density: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    along = np.tensordot(DIRECTIONS, velocity, 1)
    return np.multiply.outer(WEIGHTS, density) * (1 + 3 * along + 4.5 * along**2 - 1.5 * (velocity**2).sum(0))


def _resolve(backend: str) -> str:
    if backend not in ("auto", "numba", "torch", "triton"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'numba', 'torch' or 'triton'")
    if backend == "auto":
        return "numba" if importlib.util.find_spec("numba") else "torch"
    if backend != "torch" and not importlib.util.find_spec(backend):
        remedy = ', or install it: pip install "bottleneck-course[fast]"' if backend == "numba" else ""
        raise ModuleNotFoundError(f"backend is {backend!r}, but {backend} is not installed; use backend='auto'{remedy}")
    return backend


def _require(n_steps, reynolds, amplitude, phase, nx, ny, diameter, inflow, every, pool) -> None:
    if every < 1 or n_steps < every:
        raise ValueError(f"n_steps is {n_steps} and every is {every}; expected n_steps >= every >= 1")
    if not 0 < reynolds < math.inf:
        raise ValueError(f"reynolds is {reynolds}; expected a number > 0")
    for name, value in (("amplitude", amplitude), ("phase", phase)):
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}; expected a finite number")
    if not 0 < inflow <= 0.2:
        raise ValueError(f"inflow is {inflow}; expected a velocity in (0, 0.2]")
    if not 4 <= diameter <= min(ny / 4, nx / 8):
        raise ValueError(f"diameter is {diameter} for {nx} x {ny} cells; expected 4 <= diameter <= min(ny / 4, nx / 8)")
    if pool < 1 or nx % pool or ny % pool:
        raise ValueError(f"pool is {pool}; expected a divisor of nx = {nx} and ny = {ny}")
