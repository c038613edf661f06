"""Nearest neighbours and marginal counts of the KSG estimator, exactly: Triton on a GPU, tiles of PyTorch elsewhere.

Per sample D numbers in, three distances or one count out, and N pairs between them, each worth D subtractions and
comparisons; a search for k neighbours walks over the pairs k times on a GPU. Nothing of size N^2 is ever stored, so
arithmetic binds, not memory. A trace of the search must survive into the counts: the k-th neighbour lies *exactly* on
the border eps, and KSG counts what is strictly inside. Hence both passes use one arithmetic: subtract, absolute value,
maximum.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from . import reference


class KsgNeighbors(NamedTuple):
    """What the k nearest neighbours of each sample span, all in the max-norm, dtype of the samples.

    Attributes:
        eps: joint distance to the k-th neighbour, shape ``(N,)``, the larger of its x- and y-distance.
        eps_x: largest x-distance among the k neighbours, shape ``(N,)``.
        eps_y: largest y-distance among the k neighbours, shape ``(N,)``.
    """

    eps: Tensor
    eps_x: Tensor
    eps_y: Tensor


def ksg_neighbors(x: Tensor, y: Tensor, k: int, *, backend: str = "auto") -> KsgNeighbors:
    """Distance to the k-th nearest neighbour in the joint max-norm, and the box that the k neighbours span.

    Sample i is not its own neighbour, but another sample in the same place is, at distance 0. Neighbours are ordered
    by (distance, index): of equally distant ones the smaller index comes first. All back ends agree bit for bit.

    Args:
        x: samples, shape ``(N, dx)``, float32 or float64, in any unit that is also y's.
        y: samples, shape ``(N, dy)``, dtype and device of x.
        k: number of neighbours, 1 <= k < N.
        backend: "auto" (Triton for CUDA tensors), "triton" or "torch".

    Returns:
        eps, eps_x and eps_y, each ``(N,)``.

    Raises:
        TypeError: x or y is not float32 or float64, their dtypes differ, or k is not an integer.
        ValueError: shapes that do not fit, NaN or infinite values, k out of range, or an unknown backend.
        ModuleNotFoundError: "triton" was asked for where it is not installed.

    Source: Kraskov, Stögbauer and Grassberger (2004), the searches below eqs. (8) and (9).
    """
    _require_samples("x", x)
    _require_like("y", y, x)
    _require_samples("y", y)
    if len(y) != len(x):
        raise ValueError(f"y has {len(y)} samples; expected {len(x)}, as many as x")
    if isinstance(k, bool) or not isinstance(k, int):
        raise TypeError(f"k is {k!r}; expected an integer >= 1")
    if not 1 <= k < len(x):
        raise ValueError(f"k is {k}; expected an integer >= 1 and below the number of samples, {len(x)}")
    kernel = _kernel(backend, x)
    search = reference.ksg_neighbors if kernel is None else kernel.launch_neighbors
    return KsgNeighbors(*search(x, y, k))


def marginal_counts(x: Tensor, radius: Tensor, *, strict: bool = True, backend: str = "auto") -> Tensor:
    """How many other samples lie within the radius of each sample, in the max-norm.

    Args:
        x: samples, shape ``(N, dx)``, float32 or float64.
        radius: shape ``(N,)``, >= 0, dtype and device of x, in units of x.
        strict: count distances < radius (KSG1) or, if False, <= radius (KSG2).
        backend: "auto" (Triton for CUDA tensors), "triton" or "torch".

    Returns:
        Shape ``(N,)``, int64, between 0 and N - 1: a sample does not count itself. All back ends agree exactly.

    Raises:
        TypeError: x is not float32 or float64, or radius has another dtype.
        ValueError: shapes that do not fit, NaN or infinite values, a radius < 0, or an unknown backend.
        ModuleNotFoundError: "triton" was asked for where it is not installed.

    Source: Kraskov, Stögbauer and Grassberger (2004), n_x and n_y of eqs. (8) and (9).
    """
    _require_samples("x", x)
    _require_like("radius", radius, x)
    if radius.shape != x.shape[:1]:
        raise ValueError(f"radius has shape {tuple(radius.shape)}; expected ({len(x)},), one radius a sample")
    bad = ~((radius >= 0) & torch.isfinite(radius))
    if bad.any():
        where = int(bad.nonzero()[0])
        raise ValueError(f"radius[{where}] is {radius[where].item()}; expected finite numbers >= 0")
    kernel = _kernel(backend, x)
    count = reference.marginal_counts if kernel is None else kernel.launch_counts
    return count(x, radius, strict)


def _kernel(backend: str, x: Tensor):
    """The Triton module, or None where plain PyTorch is to compute."""
    if backend not in ("auto", "triton", "torch"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'triton' or 'torch'")
    if backend == "torch" or (backend == "auto" and not x.is_cuda):
        return None
    try:
        from . import kernel  # late: triton is absent on some platforms
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("backend is 'triton', but triton is not installed; use backend='torch'") from error
    return kernel


def _require_samples(name: str, x: Tensor) -> None:
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; expected float32 or float64")
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected (N, D) without an empty axis")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite samples")
    if not torch.isfinite(x.amax(0) - x.amin(0)).all():
        raise ValueError(f"{name} spans more than {x.dtype} can hold; expected finite differences between samples")


def _require_like(name: str, other: Tensor, x: Tensor) -> None:
    if other.dtype != x.dtype:
        raise TypeError(f"{name} has dtype {other.dtype}; expected {x.dtype}, as x has")
    if other.device != x.device:
        raise ValueError(f"{name} is on {other.device}; expected {x.device}, where x is")
