"""Compression by principal components, and a bound on the information that it loses. Everything is in nats."""

import math
from typing import Self

import numpy as np
from scipy import linalg
from torch import Tensor

from corelib.information.samples import as_samples


class PCACompressor:
    """Coordinates along the directions of largest variance.

    Cheap and linear; blind to whatever is informative and small.

    Args:
        n_components: numbers kept, >= 1.

    Attributes:
        mean_: shape ``(D,)``.
        components_: orthonormal rows, widest first, shape ``(n_components, D)``. The entry of largest magnitude in a
            row is positive, so that refits agree on the sign.
        eigenvalues_: of the sample covariance, all min(N, D) of them, largest first, >= 0.
        explained_variance_ratio_: share of the variance along each kept component, shape ``(n_components,)``.

    Raises:
        ValueError: ``n_components`` below 1.
    """

    def __init__(self, n_components: int):
        if isinstance(n_components, bool) or not isinstance(n_components, int | np.integer) or n_components < 1:
            raise ValueError(f"n_components is {n_components!r}; expected an integer >= 1")
        self.n_components = int(n_components)

    def fit(self, x: np.ndarray | Tensor) -> Self:
        """Find the principal axes of ``x (N, D)``; D may exceed N.

        Raises:
            ValueError: fewer samples or columns than components, NaN or infinite values, or a sample without variance.
        """
        x = as_samples("x", x)
        if self.n_components > min(x.shape):
            raise ValueError(f"x has shape {x.shape}; expected at least n_components = {self.n_components} of both")
        if (x == x[0]).all():
            raise ValueError("x is constant; expected samples that differ")
        mean = x.mean(axis=0)
        values, axes = _principal_axes(x - mean, self.n_components)
        largest = np.abs(axes).argmax(axis=1, keepdims=True)
        self.mean_ = mean
        self.components_ = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
        self.eigenvalues_ = values
        self.explained_variance_ratio_ = values[: self.n_components] / values.sum()
        return self

    def transform(self, x: np.ndarray | Tensor) -> np.ndarray:
        """Codes of ``x (N, D)``, shape ``(N, n_components)``, float64."""
        self._require_fit()
        x = as_samples("x", x, min_samples=1)
        if x.shape[1] != len(self.mean_):
            raise ValueError(f"x has shape {x.shape}; expected (N, {len(self.mean_)}), as in fit")
        return (x - self.mean_) @ self.components_.T

    def inverse_transform(self, codes: np.ndarray | Tensor) -> np.ndarray:
        """The closest points, shape ``(N, D)``, that have the given codes, shape ``(N, n_components)``."""
        self._require_fit()
        codes = as_samples("codes", codes, min_samples=1)
        if codes.shape[1] != self.n_components:
            raise ValueError(f"codes has shape {codes.shape}; expected (N, {self.n_components})")
        return codes @ self.components_ + self.mean_

    def _require_fit(self) -> None:
        if not hasattr(self, "components_"):
            raise ValueError("this PCACompressor is not fitted; call fit(x) first")

    def __str__(self) -> str:
        return f"PCA to {self.n_components}"


def _principal_axes(centred: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """All eigenvalues of the sample covariance, and the leading axes as rows; from a sample of mean 0."""
    n, d = centred.shape
    if d > n:
        _, singular, axes = np.linalg.svd(centred, full_matrices=False)
        return singular**2 / (n - 1), axes[:n_components]
    covariance = centred.T @ centred / (n - 1)
    # Half the time of a full decomposition, since few of the axes are wanted and all of the values.
    values = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)
    axes = linalg.eigh(covariance, subset_by_index=[d - n_components, d - 1])[1]
    return values, axes.T[::-1]


def pca_information_loss_bound(eigenvalues: np.ndarray, m: int, sigma: float, *, tolerance: float = 1e-6) -> float:
    """Most that PCA can lose of I(X;L) for a noisy layer L = f(X) + sigma Z: 1/2 sum_{j>m} ln(lambda_j / sigma^2).

    The loss is I(X; dropped | kept) <= h(dropped) - h(sigma Z_dropped), and no density of given variances has more
    entropy than the Gaussian. The noise must be isotropic, additive and at the layer that is compressed. It bounds the
    loss and is not the loss: 0 where nothing is dropped, possibly more than I(X;L) itself.

    Args:
        eigenvalues: lambda_j, of the covariance of the *noisy* layer, shape ``(D,)``, any order; the variances of f(X)
            plus sigma^2. A finite sample's eigenvalues of the noisy layer scatter below sigma^2, so estimate those of
            f(X) and add it.
        m: number of axes kept, 0 <= m <= D; the widest are kept.
        sigma: standard deviation of the noise, > 0, in the units of L.
        tolerance: how far below sigma^2, relatively, an eigenvalue may lie and count as sigma^2.

    Returns:
        Nats, >= 0.

    Raises:
        ValueError: an eigenvalue below sigma^2 (noise-free eigenvalues, most likely), ``m`` out of range, ``sigma`` not
            a positive number.

    Source: chain rule and maximum entropy of the Gaussian; the question is that of Butakov et al. (2024), section 4.
    """
    eigenvalues = np.asarray(eigenvalues, dtype=np.float64)
    if eigenvalues.ndim != 1 or len(eigenvalues) == 0 or not np.isfinite(eigenvalues).all():
        raise ValueError(f"eigenvalues has shape {eigenvalues.shape}; expected finite numbers (D,) with D >= 1")
    if isinstance(m, bool) or not isinstance(m, int | np.integer) or not 0 <= m <= len(eigenvalues):
        raise ValueError(f"m is {m!r}; expected an integer from 0 to {len(eigenvalues)}")
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma is {sigma}; expected a finite number > 0")
    smallest = eigenvalues.min()
    if smallest < sigma**2 * (1 - tolerance):
        raise ValueError(
            f"eigenvalues has {smallest:g}, below sigma^2 = {sigma**2:g}; expected those of the noisy layer, which are "
            "the variances of the noise-free one plus sigma^2"
        )
    dropped = np.sort(eigenvalues)[: len(eigenvalues) - m]
    return float(0.5 * np.log(np.maximum(dropped / sigma**2, 1.0)).sum())
