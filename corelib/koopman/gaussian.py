"""Information that linear dynamics with Gaussian noise carries from one time to another, in closed form.

z_{t+1} = K z_t + N(0, Sigma), columns as states. After n steps the state is K^n z plus noise of covariance
M_n = sum_{i<n} K^i Sigma (K^i)^T, a Gaussian channel whose capacity-like logarithms are all there is to compute. Nats.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import solve_discrete_lyapunov
from torch import Tensor


class InformationDecomposition(NamedTuple):
    """I(z_t; x_t) = coherent + dissipating + residual, each a float64 scalar in nats."""

    coherent: Tensor  # I(z_{t-n}; z_t)
    dissipating: Tensor  # I(z_t; x_{t-1} | z_{t-n})
    residual: Tensor  # I(z_t; x_t | x_{t-1})
    total: Tensor  # I(z_t; x_t)


def channel_gains(K: Tensor, Sigma: Tensor, n: int = 1) -> Tensor:
    """Gains of the n-step channel: squared singular values of M_n^{-1/2} K^n.

    Args:
        K: transition, shape ``(d, d)``.
        Sigma: covariance of the noise of one step, shape ``(d, d)``, such that M_n is positive definite.
        n: steps, >= 1.

    Returns:
        d gains in descending order, float64, in units of one over the latents' variance.

    Raises:
        ValueError: a matrix of another shape or with NaN, ``Sigma`` not positive semi-definite, M_n singular or beyond
            float64, or ``n < 1``.

    Source: Cheng et al. (2026), arXiv:2510.13025, equation 29.
    """
    return torch.linalg.svdvals(_whitened_power(K, Sigma, n)) ** 2


def linear_gaussian_mi(K: Tensor, C: Tensor, Sigma: Tensor, n: int = 1) -> Tensor:
    """Information between latents n steps apart, I(z_{t-n}; z_t), for z_{t-n} ~ N(0, C).

    1/2 [ln det(K^n C (K^n)^T + M_n) - ln det M_n]; it does not change with the coordinates of z.

    Args:
        K: transition, shape ``(d, d)``.
        C: covariance of the earlier latent, shape ``(d, d)``, positive semi-definite.
        Sigma: covariance of the noise of one step, shape ``(d, d)``, such that M_n is positive definite.
        n: steps, >= 1.

    Returns:
        A scalar >= 0, nats, float64.

    Raises:
        ValueError: ``C`` not positive semi-definite or of another shape, or as :func:`channel_gains`.

    Source: Cheng et al. (2026), arXiv:2510.13025, equations 7 and 29.
    """
    channel = _whitened_power(K, Sigma, n)
    C = _covariance("C", C, len(channel))
    variances, axes = torch.linalg.eigh(C)
    signal = channel @ (axes * variances.clamp(min=0).sqrt())
    # log1p of squared singular values stays exact where little information is left.
    return 0.5 * torch.log1p(torch.linalg.svdvals(signal) ** 2).sum()


def information_decomposition(A: Tensor, Q: Tensor, E: Tensor, V: Tensor, n: int = 1) -> InformationDecomposition:
    """What a latent knows of the state: from its own past, from the previous state, and only from the present one.

    Stationary x_t = A x_{t-1} + N(0, Q), seen through the encoder z_t = E x_t + N(0, V). The parts are differences of
    1/2 ln det of the covariance of z_t given nothing, z_{t-n}, x_{t-1} and x_t, in this order.

    Args:
        A: dynamics of the state, shape ``(m, m)``, spectral radius < 1.
        Q: covariance of the state's noise, shape ``(m, m)``, positive semi-definite.
        E: encoder, shape ``(d, m)``.
        V: covariance of the encoder's noise, shape ``(d, d)``, positive definite.
        n: steps back to the latent's past, >= 1.

    Returns:
        The :class:`InformationDecomposition`.

    Raises:
        ValueError: unstable ``A``, ``V`` singular, matrices that do not fit or are no covariances, or ``n < 1``.

    Source: Cheng et al. (2026), arXiv:2510.13025, proposition 3, equation 31.
    """
    A = _square("A", A)
    E = _matrix("E", E)
    if E.shape[1] != len(A):
        raise ValueError(f"E has shape {tuple(E.shape)}; expected (d, {len(A)}), a column for each row of A")
    Q, V = _covariance("Q", Q, len(A)), _covariance("V", V, len(E))
    _require_steps(n)
    _cholesky("V", V)
    radius = torch.linalg.eigvals(A).abs().max().item()
    if radius >= 1:
        raise ValueError(f"A has spectral radius {radius:.6g}; expected less than 1, else no stationary state exists")
    P = torch.from_numpy(np.asarray(solve_discrete_lyapunov(A.numpy(), Q.numpy())))
    now = E @ P @ E.T + V
    lagged = E @ torch.linalg.matrix_power(A, n) @ P @ E.T  # Cov(z_t, z_{t-n})
    given_past = now - lagged @ torch.linalg.solve(now, lagged.T)
    given_previous = E @ Q @ E.T + V
    halves = [0.5 * torch.logdet(S) for S in (now, given_past, given_previous, V)]
    parts = [before - after for before, after in pairwise(halves)]
    return InformationDecomposition(*parts, halves[0] - halves[-1])


def gaussian_transition_kl(mean: Tensor, logvar: Tensor, z_prev: Tensor, K: Tensor, log_sigma2: Tensor) -> Tensor:
    """KL divergence from the encoder's Gaussian to the linear transition, KL(N(mean, v) || N(K z_prev, s^2)).

    Differentiable in every argument. With a fitted transition it bounds I(z_t; x_t | z_{t-1}) from above.

    Args:
        mean: mean of the encoder, shape ``(..., d)``.
        logvar: ln v, the encoder's log variances, shape of ``mean``.
        z_prev: the previous latent, shape of ``mean``.
        K: transition, shape ``(d, d)``.
        log_sigma2: ln s^2, log variances of the transition's noise, shape ``(d,)`` or the shape of ``mean``.

    Returns:
        KL, shape ``(...)``, nats, >= 0, dtype of the inputs.

    Raises:
        ValueError: shapes that do not fit, or a result that is not finite.

    Source: Cheng et al. (2026), arXiv:2510.13025, equation 9; the Gaussian divergence is textbook.
    """
    d = mean.shape[-1]
    for name, value in (("logvar", logvar), ("z_prev", z_prev)):
        if value.shape != mean.shape:
            raise ValueError(f"{name} has shape {tuple(value.shape)}; expected that of mean, {tuple(mean.shape)}")
    if K.shape != (d, d):
        raise ValueError(f"K has shape {tuple(K.shape)}; expected ({d}, {d}), one matrix for all latents")
    if log_sigma2.shape not in ((d,), mean.shape):
        raise ValueError(f"log_sigma2 has shape {tuple(log_sigma2.shape)}; expected ({d},) or {tuple(mean.shape)}")
    gap = (mean - z_prev @ K.T) ** 2 * torch.exp(-log_sigma2)
    log_ratio = logvar - log_sigma2
    kl = 0.5 * (torch.expm1(log_ratio) - log_ratio + gap).sum(-1)  # expm1: no cancellation where v is close to s^2
    if not bool(torch.isfinite(kl).all()):
        raise ValueError("the divergence is NaN or infinite; expected finite means and log variances of moderate size")
    return kl


def _whitened_power(K: Tensor, Sigma: Tensor, n: int) -> Tensor:
    """L^{-1} K^n with M_n = L L^T."""
    K = _square("K", K)
    Sigma = _covariance("Sigma", Sigma, len(K))
    _require_steps(n)
    power, noise = torch.eye(len(K), dtype=torch.float64), torch.zeros_like(K)
    for _ in range(n):
        noise = noise + power @ Sigma @ power.T
        power = K @ power
    if not bool(torch.isfinite(noise).all() and torch.isfinite(power).all()):
        raise ValueError(f"K to the power {n} exceeds float64; expected fewer steps or a smaller spectral radius")
    L = _cholesky(f"the noise of {n} steps (Sigma)", noise)
    return torch.linalg.solve_triangular(L, power, upper=False)


def _cholesky(name: str, S: Tensor) -> Tensor:
    """Cholesky factor, after a look at the correlations: their smallest eigenvalue does not depend on units."""
    scale = S.diagonal().clamp(min=0).sqrt()
    correlations = S / scale[:, None] / scale[None, :]
    if bool((scale == 0).any()) or bool(torch.linalg.eigvalsh(correlations)[0] < len(S) * 1e-15):
        raise ValueError(f"{name} is singular; expected positive definite, as a noiseless direction tells without end")
    return scale[:, None] * torch.linalg.cholesky(correlations)


def _matrix(name: str, value: Tensor) -> Tensor:
    value = torch.as_tensor(value).detach().cpu().to(torch.float64)
    if value.ndim != 2 or 0 in value.shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected a matrix")
    if not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} has a NaN or infinite entry; expected finite numbers")
    return value


def _square(name: str, value: Tensor) -> Tensor:
    value = _matrix(name, value)
    if value.shape[0] != value.shape[1]:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected a square matrix")
    return value


def _covariance(name: str, value: Tensor, size: int) -> Tensor:
    value = _matrix(name, value)
    if value.shape != (size, size):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected ({size}, {size})")
    largest = value.abs().max().item()
    if (value - value.T).abs().max().item() > 1e-9 * largest:
        raise ValueError(f"{name} is not symmetric; expected a covariance matrix")
    value = (value + value.T) / 2
    smallest = torch.linalg.eigvalsh(value)[0].item()
    if smallest < -1e-12 * size * largest:
        raise ValueError(f"{name} has the eigenvalue {smallest:.3g}; expected a positive semi-definite matrix")
    return value


def _require_steps(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n is {n!r}; expected an integer >= 1")
