"""Samples as every nearest-neighbour and neural estimator takes them, and the errors that bad ones get."""

import warnings

import numpy as np
from torch import Tensor


class DegenerateSampleError(ValueError):
    """Samples that coincide, where an estimator needs a density: a neighbour at distance 0 has no logarithm."""


class EstimatorWarning(UserWarning):
    """An estimate that was made, but whose own settings say to distrust it."""


def as_samples(name: str, x: np.ndarray | Tensor, *, min_samples: int = 2) -> np.ndarray:
    """Samples as a float64 matrix.

    Args:
        name: what the caller calls the argument, for the message of an error.
        x: array or tensor, shape ``(N, d)`` or ``(N,)`` for d = 1.
        min_samples: least N that the caller can work with.

    Returns:
        Shape ``(N, d)``, float64, C order; the input is not changed.

    Raises:
        TypeError: not numbers.
        ValueError: another shape, no columns, fewer than ``min_samples`` samples, NaN or infinite values.
    """
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = (x.double() if x.is_floating_point() else x).numpy()  # NumPy knows no bfloat16
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {x.dtype}; expected real numbers")
    if x.ndim not in (1, 2) or 0 in x.shape[1:]:
        raise ValueError(f"{name} has shape {x.shape}; expected (N, d) with d >= 1, or (N,)")
    if len(x) < min_samples:
        raise ValueError(f"{name} has {len(x)} samples; expected at least {min_samples}")
    x = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(x)).sum())} NaN or infinite values; expected finite samples")
    return x


def as_pair(x: np.ndarray | Tensor, y: np.ndarray | Tensor, *, min_samples: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of N pairs as float64 matrices ``(N, d_x)`` and ``(N, d_y)``.

    Raises:
        TypeError, ValueError: as :func:`as_samples`; or the two have different numbers of samples.
    """
    x, y = as_samples("x", x, min_samples=min_samples), as_samples("y", y, min_samples=min_samples)
    if len(x) != len(y):
        raise ValueError(f"x and y have {len(x)} and {len(y)} samples; expected as many of one as of the other")
    return x, y


def as_labels(labels: np.ndarray | Tensor, n: int) -> np.ndarray:
    """Discrete labels as integers 0 .. C-1.

    Args:
        labels: integers, booleans or strings, shape ``(N,)``. Floats are refused: they are samples of a continuous
            variable, or labels that somebody should round knowingly.
        n: number of samples that they belong to.

    Returns:
        int64, shape ``(N,)``.

    Raises:
        TypeError: floating-point labels.
        ValueError: another shape than ``(n,)``.
    """
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu().numpy()
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iubUS":
        raise TypeError(f"labels has dtype {labels.dtype}; expected integers, booleans or strings")
    if labels.shape != (n,):
        raise ValueError(f"labels has shape {labels.shape}; expected ({n},), one label a sample")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def require_neighbours(k: int, n: int, *, what: str = "samples") -> None:
    """Refuse a neighbour number that N samples cannot give.

    Raises:
        ValueError: k is not an integer >= 1, or N <= k.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k is {k!r}; expected an integer >= 1")
    if n <= k:
        raise ValueError(f"k is {k}, with {n} {what}; expected more {what} than k, since a point is not its neighbour")


def require_option(name: str, value: object, options: tuple) -> None:
    """Refuse an option that does not exist.

    Raises:
        ValueError: ``value`` is not among ``options``.
    """
    if value not in options:
        raise ValueError(f"{name} is {value!r}; expected one of {options}")


def require_distinct(distance: np.ndarray, x: np.ndarray, *, what: str = "samples") -> None:
    """Refuse neighbours at distance 0.

    Args:
        distance: distances that must be positive, shape ``(N,)``.
        x: the samples, shape ``(N, d)``, to count duplicates in.
        what: what they are called in the message.

    Raises:
        DegenerateSampleError: a distance is 0.
    """
    zero = int((distance == 0).sum())
    if zero:
        duplicates = len(x) - len(np.unique(x, axis=0))
        raise DegenerateSampleError(
            f"{zero} of {len(x)} {what} have their neighbours at distance 0 ({duplicates} duplicate rows); expected "
            "samples of a density. If ties come from rounding, break them with dither(x); if the variable is discrete, "
            "use an estimator for discrete variables (ross_mi, kl_mi_discrete)"
        )


def warn_of_lattice(distance: np.ndarray) -> None:
    """Warn when neighbour distances repeat as only rounded or integer samples make them.

    Args:
        distance: one distance > 0 a sample, shape ``(N,)``. For continuous samples about every second one is new.

    Warns:
        EstimatorWarning: N >= 100 and fewer than a tenth of the distances differ.
    """
    # Of distances that standardised columns make equal, rounding makes several: digits beyond the ninth do not count.
    different = len(np.unique(np.log(distance).round(9))) if len(distance) >= 100 else len(distance)
    if different < len(distance) / 10:
        warnings.warn(
            f"the {len(distance)} neighbour distances take {different} values only: the samples lie on a lattice, and "
            "ties bias the estimate. Break them with dither(x, rel=...), rel about the rounding step in standard "
            "deviations",
            EstimatorWarning,
            stacklevel=4,
        )


def dither(x: np.ndarray | Tensor, rel: float = 1e-10, *, seed: int = 0) -> np.ndarray:
    """Break ties by uniform noise that is tiny beside the spread of each column.

    Beside the *spread*, not the magnitude: noise in proportion to the mean would drown a column far from 0.
    Rounded data want ``rel`` near the rounding step divided by the standard deviation.

    Args:
        x: shape ``(N, d)`` or ``(N,)``.
        rel: noise amplitude as a fraction of the column's standard deviation, > 0.
        seed: seed of the noise.

    Returns:
        Shape ``(N, d)``, float64.

    Raises:
        ValueError: ``rel`` is not a positive number, or so small that the noise is lost in the rounding of x (a
            column far from 0: subtract its mean first); a constant column; or as :func:`as_samples`.
    """
    if not 0 < rel < np.inf:
        raise ValueError(f"rel is {rel}; expected a finite number > 0")
    x = as_samples("x", x)
    amplitude = rel * spread("x", x)
    lost = np.flatnonzero(amplitude < 100 * np.spacing(np.abs(x).max(axis=0)))
    if len(lost):
        raise ValueError(
            f"rel is {rel}, noise that the rounding of column {lost[0]} (magnitude {np.abs(x[:, lost[0]]).max():g}) "
            "would swallow; expected a larger rel, or columns with their mean subtracted"
        )
    return x + amplitude * np.random.default_rng(seed).uniform(-0.5, 0.5, x.shape)


def spread(name: str, x: np.ndarray) -> np.ndarray:
    """Standard deviation of every column, shape ``(d,)``.

    Raises:
        ValueError: a column is constant; the message names the first.
    """
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    if len(constant):
        raise ValueError(
            f"{name} has a constant column ({constant[0]}, of value {x[0, constant[0]]:g}); expected columns that vary"
        )
    extent = np.ptp(x, axis=0)
    return ((x - x.min(axis=0)) / extent).std(axis=0) * extent  # squares of numbers near 1: none overflows or vanishes
