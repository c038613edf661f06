"""Mutual information of jointly Gaussian vectors in closed form, before and after PCA. Everything is in nats."""

import numpy as np


def gaussian_mi(cov: np.ndarray, dx: int) -> float:
    """I(X;Y) of jointly Gaussian X and Y.

    I = 1/2 ln(|S_X| |S_Y| / |S|), where S_X and S_Y are the diagonal blocks of the joint covariance S.

    Args:
        cov: covariance of (X, Y), shape ``(dx + dy, dx + dy)``, positive definite.
        dx: number of coordinates that belong to X, 1 <= dx < len(cov).

    Returns:
        Nats, >= 0 up to rounding.

    Raises:
        ValueError: not square, not finite, not symmetric, not positive definite, or ``dx`` out of range.

    Example:
        >>> round(gaussian_mi(np.array([[1, 0.9], [0.9, 1]]), 1), 4)
        0.8304

    Source: Cover and Thomas, Elements of Information Theory, example 8.5.1.
    """
    cov = _as_covariance(cov, dx)
    # Information does not depend on units, and correlations have well-scaled determinants.
    scale = np.sqrt(np.diag(cov))
    correlation = cov / np.outer(scale, scale)
    return 0.5 * (
        _log_determinant(correlation[:dx, :dx])
        + _log_determinant(correlation[dx:, dx:])
        - _log_determinant(correlation)
    )


def gaussian_pca_mi(cov: np.ndarray, dx: int, m: int) -> float:
    """I(V_m^T X; Y) of jointly Gaussian X and Y, where V_m holds the m leading principal axes of X.

    Never decreases with m, and equals :func:`gaussian_mi` at m = dx. How much variance V_m keeps says nothing about it.

    Args:
        cov: covariance of (X, Y), shape ``(dx + dy, dx + dy)``, positive definite.
        dx: number of coordinates that belong to X, 1 <= dx < len(cov).
        m: number of principal axes kept, 0 <= m <= dx.

    Returns:
        Nats; 0 for m = 0.

    Raises:
        ValueError: as :func:`gaussian_mi`, or ``m`` out of range.

    Source: the Gaussian form and the data-processing inequality.
    """
    cov = _as_covariance(cov, dx)
    if not 0 <= m <= dx:
        raise ValueError(f"m is {m}; expected an integer from 0 to dx = {dx}")
    if m == 0:
        return 0.0
    axes = np.linalg.eigh(cov[:dx, :dx])[1][:, ::-1][:, :m]  # eigh sorts upwards
    compress = np.zeros((m + len(cov) - dx, len(cov)))
    compress[:m, :dx] = axes.T
    compress[m:, dx:] = np.eye(len(cov) - dx)
    compressed = compress @ cov @ compress.T
    return gaussian_mi((compressed + compressed.T) / 2, m)


def _as_covariance(cov: np.ndarray, dx: int) -> np.ndarray:
    cov = np.asarray(cov, dtype=np.float64)
    if cov.ndim != 2 or cov.shape[0] != cov.shape[1]:
        raise ValueError(f"cov has shape {cov.shape}; expected a square matrix (dx + dy, dx + dy)")
    if not 1 <= dx < len(cov):
        raise ValueError(f"dx is {dx}; expected an integer from 1 to {len(cov) - 1}, so that X and Y both have some")
    if not np.isfinite(cov).all():
        raise ValueError("cov holds NaN or infinite values; expected a finite covariance")
    variances = np.diag(cov)
    if not (variances > 0).all():
        raise ValueError(f"cov has diagonal {variances}; expected variances > 0")
    scale = np.sqrt(np.outer(variances, variances))
    asymmetry = np.abs(cov - cov.T).max(initial=0.0, where=np.abs(cov - cov.T) > 1e-8 * scale)
    if asymmetry > 0:
        raise ValueError(f"cov differs from its transpose by {asymmetry:g}; expected a symmetric matrix")
    return cov


def _log_determinant(matrix: np.ndarray) -> float:
    try:
        return 2 * float(np.log(np.diag(np.linalg.cholesky(matrix))).sum())
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(matrix).min()
        raise ValueError(
            f"cov is not positive definite (a smallest eigenvalue of {smallest:g} in units of the variances); expected "
            "a covariance without an exact linear relation between its coordinates"
        ) from None
