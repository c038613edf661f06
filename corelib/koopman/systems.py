"""Dynamical systems to lift and to forecast: trajectories in float64, time on the axis before the state.

Every flow takes its start and is deterministic; what is random is drawn by the ``*_starts`` functions.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from corelib.koopman.stepping import checked_states, iterate, require_count, require_finite, require_steps, runge_kutta

LORENZ_SIGMA, LORENZ_RHO, LORENZ_BETA = 10.0, 28.0, 8.0 / 3.0


def slow_manifold(start: Tensor, n_steps: int, *, mu: float = 0.9, lam: float = 0.5) -> Tensor:
    """The map x' = mu x, y' = lam y + (mu^2 - lam) x^2: nonlinear in two observables, linear in x, y and x^2.

    Its Koopman eigenvalues on those three are mu, lam and mu^2; y - x^2 is the eigenfunction of lam.

    Args:
        start: first states (x, y), shape ``(..., 2)``.
        n_steps: steps of the map, >= 1.
        mu: eigenvalue of the slow direction.
        lam: eigenvalue across the parabola y = x^2.

    Returns:
        States, shape ``(..., n_steps + 1, 2)``, float64; the start is the first.

    Raises:
        ValueError: a start of another shape or not finite, ``n_steps < 1``, or states that overflow.

    Source: Brunton, Brunton, Proctor and Kutz (2016), "Koopman invariant subspaces", section 3.
    """

    def step(state: Tensor) -> Tensor:
        x, y = state.unbind(-1)
        return torch.stack([mu * x, lam * y + (mu**2 - lam) * x**2], dim=-1)

    return iterate(step, checked_states("start", start, 2), n_steps)


def slow_manifold_flow(start: Tensor, n_steps: int, *, dt: float = 0.1, mu: float = -0.05, lam: float = -1.0) -> Tensor:
    """The flow dx/dt = mu x, dy/dt = lam (y - x^2), by its closed solution.

    y - b x^2 with b = lam / (lam - 2 mu) is the Koopman eigenfunction of lam; it decays as exp(lam t).

    Args:
        start: first states (x, y), shape ``(..., 2)``.
        n_steps: number of steps, >= 1.
        dt: time between states, > 0.
        mu: rate of the slow direction, per unit of time.
        lam: rate of attraction to the slow manifold, per unit of time; not 2 mu.

    Returns:
        States, shape ``(..., n_steps + 1, 2)``, float64; the start is the first.

    Raises:
        ValueError: as :func:`slow_manifold`, ``dt <= 0``, or ``lam == 2 mu``.

    Source: Brunton, Brunton, Proctor and Kutz (2016), "Koopman invariant subspaces", section 3.
    """
    start = checked_states("start", start, 2)
    require_steps(n_steps, dt)
    if lam == 2 * mu:
        raise ValueError(f"lam is {lam}, twice mu; expected another rate: the eigenfunctions merge there")
    bend = lam / (lam - 2 * mu)
    time = dt * torch.arange(n_steps + 1, dtype=torch.float64)
    x0, y0 = start[..., :1], start[..., 1:]
    x = x0 * torch.exp(mu * time)
    return require_finite(torch.stack([x, (y0 - bend * x0**2) * torch.exp(lam * time) + bend * x**2], dim=-1))


def lorenz63(start: Tensor, n_steps: int, *, dt: float = 0.02, substeps: int = 4) -> Tensor:
    """Lorenz's convection model (sigma 10, rho 28, beta 8/3): chaos with a largest Lyapunov exponent of 0.906.

    Args:
        start: first states (x, y, z), shape ``(..., 3)``.
        n_steps: number of states after the start, >= 1.
        dt: time between states, > 0.
        substeps: Runge-Kutta steps of fourth order in each ``dt``, >= 1.

    Returns:
        States, shape ``(..., n_steps + 1, 3)``, float64; the start is the first.

    Raises:
        ValueError: a start of another shape or not finite, ``n_steps`` or ``substeps < 1``, ``dt <= 0``, or steps so
            long that the states overflow.

    Source: Lorenz (1963), "Deterministic nonperiodic flow".
    """

    def velocity(state: Tensor) -> Tensor:
        x, y, z = state.unbind(-1)
        return torch.stack([LORENZ_SIGMA * (y - x), x * (LORENZ_RHO - z) - y, x * y - LORENZ_BETA * z], dim=-1)

    return runge_kutta(velocity, checked_states("start", start, 3), n_steps, dt, substeps)


def lorenz63_starts(n: int, *, rng: np.random.Generator | int) -> Tensor:
    """Points on the Lorenz attractor: random states, left to themselves for 10 units of time.

    Args:
        n: number of points, >= 1.
        rng: generator, or a seed for one.

    Returns:
        States, shape ``(n, 3)``, float64.

    Raises:
        ValueError: ``n < 1``.
    """
    require_count("n", n)
    random = np.random.default_rng(rng).standard_normal((n, 3))
    return lorenz63(torch.from_numpy(random * 8 + (0, 0, 25)), 1, dt=10.0, substeps=1000)[:, -1]


def pendulum(
    start: Tensor, n_steps: int, *, dt: float = 0.1, substeps: int = 4, gravity: float = 9.81, damping: float = 0.0
) -> Tensor:
    """A rod of length 1 m that swings or turns over: angle'' = -gravity sin(angle) - damping angle'.

    Args:
        start: angles from hanging down, rad, and velocities, rad/s, shape ``(..., 2)``.
        n_steps: number of states after the start, >= 1.
        dt: time between states, s, > 0.
        substeps: Runge-Kutta steps of fourth order in each ``dt``, >= 1.
        gravity: m/s^2.
        damping: 1/s, >= 0.

    Returns:
        Angles (not wrapped) and velocities, shape ``(..., n_steps + 1, 2)``, float64; the start is the first.

    Raises:
        ValueError: as :func:`lorenz63`, or a negative ``damping``.
    """
    if not damping >= 0:
        raise ValueError(f"damping is {damping}; expected a rate >= 0")

    def velocity(state: Tensor) -> Tensor:
        angle, speed = state.unbind(-1)
        return torch.stack([speed, -gravity * torch.sin(angle) - damping * speed], dim=-1)

    return runge_kutta(velocity, checked_states("start", start, 2), n_steps, dt, substeps)


def pendulum_starts(n: int, *, rng: np.random.Generator | int, max_speed: float = 6.0) -> Tensor:
    """Pendulum states with uniform angle on the circle and uniform velocity.

    Args:
        n: number of states, >= 1.
        rng: generator, or a seed for one.
        max_speed: bound of the velocities on either side, rad/s, > 0.

    Returns:
        States, shape ``(n, 2)``, float64: angle in [-pi, pi), rad, and velocity, rad/s.

    Raises:
        ValueError: ``n < 1`` or ``max_speed <= 0``.
    """
    require_count("n", n)
    if not 0 < max_speed < math.inf:
        raise ValueError(f"max_speed is {max_speed}; expected a number of rad/s > 0")
    unit = torch.from_numpy(np.random.default_rng(rng).uniform(-1, 1, (n, 2)))
    return unit * torch.tensor([math.pi, max_speed], dtype=torch.float64)


def pendulum_frames(states: Tensor, *, size: int = 16) -> Tensor:
    """Pictures of a pendulum, each with the one before it, so that a pair tells angle and velocity.

    The rod starts in the middle and ends 1/12 of the picture before its edge; the brightness falls off as a Gaussian of
    the distance to the rod, with a standard deviation of 1/16 of the picture.

    Args:
        states: as :func:`pendulum` returns them, shape ``(..., T + 1, 2)``, T >= 1.
        size: pixels in a row and in a column, >= 4.

    Returns:
        Brightness in [0, 1], shape ``(..., T, 2, size, size)``, float64: pair t shows the states t and t + 1 of the
        input. Rows run downwards, so an angle of 0 points to the last row and pi/2 to the last column.

    Raises:
        ValueError: fewer than two states, a shape or values that are no states, or ``size < 4``.
    """
    states = checked_states("states", states, 2)
    if states.ndim < 2 or states.shape[-2] < 2:
        raise ValueError(f"states has shape {tuple(states.shape)}; expected (..., T + 1, 2) with T >= 1")
    require_count("size", size, least=4)
    angle = states[..., 0, None, None]
    # Pixel centres in [-1, 1], the pivot at 0.
    centre = (2 * torch.arange(size, dtype=torch.float64) + 1) / size - 1
    right, down = centre[None, :], centre[:, None]
    along = (right * torch.sin(angle) + down * torch.cos(angle)).clamp(0, 5 / 6)
    squared = (right - along * torch.sin(angle)) ** 2 + (down - along * torch.cos(angle)) ** 2
    frames = torch.exp(-squared / (2 * (1 / 8) ** 2))
    return torch.stack([frames[..., :-1, :, :], frames[..., 1:, :, :]], dim=-3)


def kuramoto_sivashinsky(
    start: Tensor, n_steps: int, *, length: float = 22.0, dt: float = 0.25, substeps: int = 1
) -> Tensor:
    """Flame fronts u_t = -u u_x - u_xx - u_xxxx on a circle; chaotic for a length of 22.

    Fourth-order exponential time differencing: the stiff linear part is exact, the rest is Runge-Kutta.

    Args:
        start: u at equally spaced points, shape ``(..., N)``, N even and >= 8.
        n_steps: number of states after the start, >= 1.
        length: circumference, > 0.
        dt: time between states, > 0.
        substeps: steps of the method in each ``dt``, >= 1.

    Returns:
        States, shape ``(..., n_steps + 1, N)``, float64; the start is the first. The mean over the circle is conserved.

    Raises:
        ValueError: as :func:`lorenz63`, an odd or small N, or ``length <= 0``.

    Source: Kassam and Trefethen (2005), "Fourth-order time-stepping for stiff PDEs".
    """
    start = checked_states("start", start, None)
    require_steps(n_steps, dt, substeps)
    points = start.shape[-1]
    if points < 8 or points % 2:
        raise ValueError(f"start has {points} points; expected an even number >= 8")
    if not 0 < length < math.inf:
        raise ValueError(f"length is {length}; expected a number > 0")
    step = _etdrk4(points, length, dt / substeps)

    def advance(spectrum: Tensor) -> Tensor:
        for _ in range(substeps):
            spectrum = step(spectrum)
        return spectrum

    spectra = iterate(advance, torch.fft.rfft(start), n_steps)
    states = torch.fft.irfft(spectra, n=points)
    states[..., 0, :] = start
    return states


def kuramoto_sivashinsky_starts(
    n: int, *, rng: np.random.Generator | int, points: int = 64, length: float = 22.0
) -> Tensor:
    """States on the attractor, mean 0: the first four waves with random amplitudes, after 150 units of time.

    Args:
        n: number of states, >= 1.
        rng: generator, or a seed for one.
        points: points on the circle, even, >= 8.
        length: circumference, > 0.

    Returns:
        States, shape ``(n, points)``, float64.

    Raises:
        ValueError: ``n < 1``, or as :func:`kuramoto_sivashinsky`.
    """
    require_count("n", n)
    waves = torch.from_numpy(np.random.default_rng(rng).standard_normal((n, 2, 4)))
    phase = 2 * math.pi * torch.arange(points, dtype=torch.float64) / points * torch.arange(1, 5)[:, None]
    start = waves[:, 0] @ torch.cos(phase) + waves[:, 1] @ torch.sin(phase)
    return kuramoto_sivashinsky(start, 1, length=length, dt=150.0, substeps=600)[:, -1]


def _etdrk4(points: int, length: float, h: float) -> Callable[[Tensor], Tensor]:
    wave = 2 * math.pi / length * torch.arange(points // 2 + 1, dtype=torch.float64)
    linear = wave**2 - wave**4
    # The highest wave has no sine on this grid, hence no derivative.
    slope = -0.5j * torch.where(torch.arange(points // 2 + 1) < points // 2, wave, 0.0)
    # Means over a circle around h * linear: the plain formulas cancel near 0.
    roots = torch.exp(1j * math.pi * (torch.arange(1, 33, dtype=torch.float64) - 0.5) / 32)
    z = h * linear[:, None] + roots
    half_step = h * (torch.expm1(z / 2) / z).real.mean(1)
    first = h * ((-4 - z + torch.exp(z) * (4 - 3 * z + z**2)) / z**3).real.mean(1)
    middle = h * ((2 + z + torch.exp(z) * (z - 2)) / z**3).real.mean(1)
    last = h * ((-4 - 3 * z - z**2 + torch.exp(z) * (4 - z)) / z**3).real.mean(1)
    full, half = torch.exp(h * linear), torch.exp(h * linear / 2)

    def nonlinear(spectrum: Tensor) -> Tensor:
        return slope * torch.fft.rfft(torch.fft.irfft(spectrum, n=points) ** 2)

    def step(v: Tensor) -> Tensor:
        nv = nonlinear(v)
        a = half * v + half_step * nv
        na = nonlinear(a)
        b = half * v + half_step * na
        nb = nonlinear(b)
        c = half * a + half_step * (2 * nb - nv)
        return full * v + first * nv + 2 * middle * (na + nb) + last * nonlinear(c)

    return step
