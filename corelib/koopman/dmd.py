"""Dynamic mode decomposition: the best linear map between snapshots, within the leading directions of the data."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor

from corelib.koopman.operators import GRAM_SAFE, as_pair, require_count, require_ridge, rollout


@dataclass(frozen=True)
class DMDResult:
    """A linear model of snapshots: x_{t+1} - mean = basis K basis^T (x_t - mean).

    Attributes:
        operator: K in the coordinates of the basis, shape ``(r, r)``, column convention.
        eigenvalues: of K, the largest modulus first, complex, shape ``(r,)``; a conjugate pair has the positive angle
            first.
        modes: eigenvectors of basis K basis^T as columns, complex, of unit length, shape ``(n, r)``.
        basis: orthonormal leading directions of the first snapshots (POD modes) as columns, shape ``(n, r)``.
        singular_values: of the first snapshots along the basis, descending, shape ``(r,)``, in units of state.
        mean: what was subtracted from all snapshots, shape ``(n,)``; zeros unless the fit centred.
    """

    operator: Tensor
    eigenvalues: Tensor
    modes: Tensor
    basis: Tensor
    singular_values: Tensor
    mean: Tensor

    def predict(self, x0: Tensor, steps: int) -> Tensor:
        """Forecasts 1, 2, ..., ``steps`` steps after ``x0``.

        Args:
            x0: states, shape ``(..., n)``. What lies outside the basis is lost.
            steps: number of steps, >= 1.

        Returns:
            Shape ``(..., steps, n)``, float64, in units of state.

        Raises:
            ValueError: ``x0`` of another size, ``steps < 1``, or a forecast that overflows.
            TypeError: ``steps`` not an integer.
        """
        x0 = torch.as_tensor(x0, dtype=torch.float64)
        if x0.shape[-1:] != self.mean.shape:
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; expected (..., {self.mean.numel()})")
        return rollout(self.operator, (x0 - self.mean) @ self.basis, steps) @ self.basis.T + self.mean

    def frequencies(self, dt: float) -> Tensor:
        """Frequency of each mode, in cycles per unit of time, between -1/(2 dt) and 1/(2 dt).

        Args:
            dt: time between a snapshot and the next, > 0.

        Returns:
            Shape ``(r,)``.

        Raises:
            ValueError: ``dt <= 0``.
        """
        _require_step(dt)
        return self.eigenvalues.angle() / (2 * math.pi * dt)

    def growth_rates(self, dt: float) -> Tensor:
        """Rate at which each mode grows, ln |eigenvalue| / dt, in nats per unit of time; < 0 where it decays.

        Args:
            dt: time between a snapshot and the next, > 0.

        Returns:
            Shape ``(r,)``; minus infinity for an eigenvalue of 0.

        Raises:
            ValueError: ``dt <= 0``.
        """
        _require_step(dt)
        return self.eigenvalues.abs().log() / dt


def dmd(
    x: Tensor, y: Tensor, *, rank: int | None = None, ridge: float = 0.0, center: bool = False, route: str = "auto"
) -> DMDResult:
    """Fit x_{t+1} = A x_t in the ``rank`` leading directions of the snapshots ``x``. All in float64.

    Two routes lead to the same numbers. ``"svd"`` decomposes ``x``. ``"gram"`` takes the ``rank`` leading eigenvectors
    of x x^T where there are fewer snapshots than states, else of x^T x: much faster, and without a copy of ``x``, but
    on squared singular values. With the smallest kept one at 1e-3 of the largest about ten digits are left; ``"auto"``
    takes the Gram route down to there, and the SVD beyond.

    Args:
        x: snapshots, shape ``(N, n)``.
        y: the snapshots one step later, same shape.
        rank: directions kept, from 1 to the numerical rank of ``x``; None keeps that rank.
        ridge: penalty on the operator, >= 0, in units of state squared.
        center: subtract the mean of ``x`` from both. Without it, a steady part shows as an eigenvalue 1.
        route: ``"auto"``, ``"svd"`` or ``"gram"``.

    Returns:
        A :class:`DMDResult`.

    Raises:
        ValueError: other shapes, values that are not finite, snapshots that are all 0 (or all equal, with ``center``),
            a rank above the numerical rank, ``ridge < 0``, ``route`` unknown, or ``"gram"`` on data that it would
            spoil.
        TypeError: ``rank`` not an integer.

    Source: Tu et al. (2014), On dynamic mode decomposition, J. Comput. Dyn. 1(2), definition 1 with projected modes;
        Sirovich (1987) for the Gram route (method of snapshots).
    """
    x, y = as_pair("x", x, "y", y)
    _require_settings(x, rank, ridge, route)
    mean = x.mean(0) if center else torch.zeros_like(x[0])
    if center:
        # The mean of equal numbers is off by rounding, which must not pass for a direction.
        if (x - mean).abs().max() <= 8 * torch.finfo(x.dtype).eps * x.abs().max():
            raise ValueError("x is constant; expected snapshots that differ, with center=True")
        x, y = x - mean, y - mean
    found = None if route == "svd" else _by_gram(x, rank)
    if found is None and route == "gram":
        raise ValueError(f"route is 'gram'; expected 'svd', as x has singular values below {GRAM_SAFE} of the largest")
    v, s, basis = found if found is not None else _by_svd(x, rank)
    operator = (y @ basis).T @ v / (s + ridge / s)
    eigenvalues, vectors = torch.linalg.eig(operator)
    order = eigenvalues.abs().argsort(descending=True, stable=True)
    modes = basis.to(vectors.dtype) @ vectors[:, order]
    return DMDResult(operator, eigenvalues[order], modes, basis, s, mean)


def _by_svd(x: Tensor, rank: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The leading V, S and U of x = V S U^T."""
    v, s, uh = torch.linalg.svd(x, full_matrices=False)
    shown = int((s > max(x.shape) * torch.finfo(s.dtype).eps * s[0]).sum())
    if shown == 0:
        raise ValueError("x is all 0; expected snapshots that show a direction")
    if rank is not None and rank > shown:
        raise ValueError(f"rank is {rank}; expected at most {shown}, the numerical rank of x")
    r = shown if rank is None else rank
    return v[:, :r], s[:r], uh[:r].T


def _by_gram(x: Tensor, rank: int | None) -> tuple[Tensor, Tensor, Tensor] | None:
    """As :func:`_by_svd`, from the smaller Gram matrix; None where the squares lose too much."""
    wide = x.shape[0] < x.shape[1]
    rows = (x if wide else x.T).numpy(force=True)
    with np.errstate(over="ignore", invalid="ignore"):
        gram = rows @ rows.T  # NumPy sees that this is symmetric, and computes half of it
    if not np.isfinite(gram).all():
        return None
    n = len(gram)
    found = eigh(gram, subset_by_index=(n - (rank or n), n - 1), overwrite_a=True, check_finite=False)
    squares, vectors = (torch.as_tensor(values[..., ::-1].copy(), device=x.device) for values in found)
    if not squares[-1] > GRAM_SAFE**2 * squares[0]:
        return None
    s = squares.sqrt()
    return (vectors, s, x.T @ vectors / s) if wide else (x @ vectors / s, s, vectors)


def _require_settings(x: Tensor, rank: int | None, ridge: float, route: str) -> None:
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, n)")
    require_ridge(ridge)
    if route not in ("auto", "svd", "gram"):
        raise ValueError(f"route is {route!r}; expected 'auto', 'svd' or 'gram'")
    if rank is not None:
        require_count("rank", rank)
        if rank > min(x.shape):
            raise ValueError(f"rank is {rank}; expected at most {min(x.shape)}, the smaller side of x")


def _require_step(dt: float) -> None:
    if not 0 < dt < float("inf"):
        raise ValueError(f"dt is {dt}; expected a finite number > 0")
