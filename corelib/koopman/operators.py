"""The matrix K of z_{t+1} = K z_t: fitted to latents by least squares, and applied over and over.

How K is fitted matters more than it looks. All pairs pooled in one regression give the operator that the data share;
an average of operators, one for each short window, is shrunk: a window of T latents in d > T dimensions can only show
a projection of rank T.
"""

from numbers import Integral, Real

import torch
from torch import Tensor

# Normal equations square the condition number. At sigma_min / sigma_max >= 1e-3 they still leave ten digits.
GRAM_SAFE = 1e-3


def koopman_least_squares(z0: Tensor, z1: Tensor, *, ridge: float = 0.1, pooling: str = "all") -> Tensor:
    """The matrix K that minimises the squared error of z1 = K z0, plus ridge * |K|^2.

    Solved in float64 without gradient: an encoder that is trained through K z0 sees K as a constant.

    Args:
        z0: latents, shape ``(N, d)`` or ``(B, T, d)``.
        z1: the latents one step later, same shape.
        ridge: penalty, >= 0, in units of latent squared; added to sums over pairs, not to averages. With 0, directions
            that the data do not show are mapped to 0 (minimum norm).
        pooling: ``"all"`` for one regression over all pairs; ``"window_mean"`` for one regression in each of the B
            windows and the mean of the B matrices, which reproduces the authors' released code and is biased to 0.

    Returns:
        K, shape ``(d, d)``, column convention, in the dtype of ``z0``.

    Raises:
        ValueError: other shapes, values that are not finite, ``ridge < 0``, or ``pooling`` unknown.

    Source: Cheng et al. (2026), arXiv:2510.13025, section 4 and the released training code.
    """
    require_ridge(ridge)
    if pooling not in ("all", "window_mean"):
        raise ValueError(f"pooling is {pooling!r}; expected 'all' or 'window_mean'")
    dtype = torch.as_tensor(z0).dtype
    z0, z1 = as_pair("z0", z0, "z1", z1)
    if pooling == "window_mean":
        if z0.ndim != 3:
            raise ValueError(f"z0 has shape {tuple(z0.shape)}; expected (B, T, d) with pooling='window_mean'")
        k = _svd_regression(z0, z1, ridge).mean(0).T
    else:
        k = ridge_regression(z0.flatten(0, -2), z1.flatten(0, -2), ridge).T
    return k.to(dtype) if dtype.is_floating_point else k


def ridge_regression(a: Tensor, b: Tensor, ridge: float = 0.0) -> Tensor:
    """The W that minimises |a W - b|^2 + ridge |W|^2, of least norm where several do.

    By Cholesky's factor of the normal equations where these are well conditioned, by the SVD of ``a`` elsewhere.

    Args:
        a: regressors, float64, shape ``(N, d)``.
        b: targets, float64, shape ``(N, m)``.
        ridge: penalty, >= 0.

    Returns:
        W, shape ``(d, m)``.

    Source: Golub and Van Loan (2013), Matrix Computations, sections 5.3 and 6.1.
    """
    gram = a.T @ a
    gram.diagonal().add_(ridge)
    if gram.isfinite().all():
        squares = torch.linalg.eigvalsh(gram)
        if squares[0] > GRAM_SAFE**2 * squares[-1]:
            # (b^T a)^T is a^T b, and much faster where there are few targets.
            return torch.cholesky_solve((b.T @ a).T, torch.linalg.cholesky(gram))
    return _svd_regression(a, b, ridge)


def operator_powers(k: Tensor, steps: int) -> Tensor:
    """K, K^2, ..., K^steps.

    Args:
        k: matrix, shape ``(d, d)``.
        steps: number of powers, >= 1.

    Returns:
        Shape ``(steps, d, d)``; entry h - 1 is K^h.

    Raises:
        ValueError: ``k`` not square or not finite, ``steps < 1``, or a power that overflows.
        TypeError: ``steps`` not an integer.
    """
    _require_square(k)
    # Row i of the rollout from the unit vector e_i is K^h e_i, the column i of K^h.
    columns = rollout(k, torch.eye(k.shape[-1], dtype=k.dtype, device=k.device), steps)
    return columns.permute(1, 2, 0)


def rollout(k: Tensor, z0: Tensor, steps: int) -> Tensor:
    """The latents K z0, K^2 z0, ..., K^steps z0. Differentiable in both.

    Args:
        k: matrix, shape ``(d, d)``.
        z0: latents at the start, shape ``(..., d)``.
        steps: number of steps, >= 1.

    Returns:
        Shape ``(..., steps, d)``; the start is not in it.

    Raises:
        ValueError: ``k`` not square or not finite, ``z0`` of another size, ``steps < 1``, or latents that overflow.
        TypeError: ``steps`` not an integer.
    """
    _require_square(k)
    require_count("steps", steps)
    if z0.shape[-1:] != k.shape[:1]:
        raise ValueError(f"z0 has shape {tuple(z0.shape)}; expected (..., {k.shape[0]}), the size of k")
    path = [z0]
    for _ in range(steps):
        path.append(path[-1] @ k.T)
    return _require_bounded(torch.stack(path[1:], dim=-2))


def as_pair(name0: str, first: Tensor, name1: str, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float64 tensors of one shape ``(N, d)`` or ``(B, T, d)``, without gradient.

    Args:
        name0: what an error message calls the first.
        first: states or latents.
        name1: what an error message calls the second.
        second: the same, one step later.

    Returns:
        The two tensors.

    Raises:
        ValueError: another number of axes, an empty axis, shapes that differ, or values that are not finite.
    """
    pair = [torch.as_tensor(value).detach().to(torch.float64) for value in (first, second)]
    for name, value in zip((name0, name1), pair, strict=True):
        if value.ndim not in (2, 3) or value.numel() == 0:
            raise ValueError(f"{name} has shape {tuple(value.shape)}; expected (N, d) or (B, T, d), none of them 0")
        # The extremes show NaN and infinities, without a mask as large as the data.
        if not all(bound.isfinite() for bound in value.aminmax()):
            raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"{name1} has shape {tuple(pair[1].shape)}; expected {tuple(pair[0].shape)}, that of {name0}")
    return pair[0], pair[1]


def require_ridge(ridge: float) -> None:
    """Refuse a penalty that is not a finite number >= 0.

    Args:
        ridge: the penalty.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(ridge, Real) or not 0 <= ridge < float("inf"):
        raise ValueError(f"ridge is {ridge}; expected a finite number >= 0")


def require_count(name: str, value: int, *, least: int = 1) -> None:
    """Refuse a count that is not an integer >= ``least``.

    Args:
        name: what an error message calls it.
        value: the count.
        least: the smallest that is allowed.

    Raises:
        TypeError: not an integer.
        ValueError: too small.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected an integer >= {least}")
    if value < least:
        raise ValueError(f"{name} is {value}; expected an integer >= {least}")


def _svd_regression(a: Tensor, b: Tensor, ridge: float) -> Tensor:
    """As :func:`ridge_regression`, through the SVD of ``a``; windows in front of the last two axes are apart."""
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    seen = s > max(a.shape[-2:]) * torch.finfo(s.dtype).eps * s[..., :1]
    # s / (s^2 + ridge), without the square, which may underflow; the 1 keeps 0/0 out of the directions not seen.
    s = torch.where(seen, s, 1.0)
    gain = seen / (s + ridge / s)
    return vh.mT @ (gain.unsqueeze(-1) * (u.mT @ b))


def _require_square(k: Tensor) -> None:
    if k.ndim != 2 or k.shape[0] != k.shape[1] or k.shape[0] == 0:
        raise ValueError(f"k has shape {tuple(k.shape)}; expected a square matrix (d, d)")
    if not k.isfinite().all():
        raise ValueError("k holds NaN or infinite values; expected finite numbers")


def _require_bounded(path: Tensor) -> Tensor:
    if not path.isfinite().all():
        raise ValueError("the rollout overflows; expected finite z0, and fewer steps where k has eigenvalues above 1")
    return path
