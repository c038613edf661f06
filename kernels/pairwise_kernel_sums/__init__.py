"""Sums of two Gaussian kernels over all pairs of samples: Triton on a GPU, streaming PyTorch elsewhere.

Per row of the batch: N D numbers in, 4 N out, and N^2 pairs between them, each worth D multiply-adds and one
exponential. Nothing of size N^2 is ever stored, so arithmetic binds, not memory: on a GPU the special-function units.
"""

import torch
from torch import Tensor

from . import reference


def pairwise_kernel_sums(x: Tensor, labels: Tensor, noise_variance: Tensor, *, backend: str = "auto") -> Tensor:
    """For each sample i, sum_j exp(-d_ij / (2 s)) and sum_j exp(-d_ij / (8 s)), over all j and over j of i's class.

    d_ij is the squared distance of samples i and j, s the noise variance; the pair (i, i) counts 1, so every sum is
    between 1 and N and no running maximum is needed.

    Args:
        x: samples, shape ``(R, N, D)``, float32 or float64 (the Triton kernel computes in float32).
        labels: class of each sample, integers, shape ``(N,)``.
        noise_variance: shape ``(R,)``, > 0, in units of x squared.
        backend: "auto" (Triton for CUDA tensors), "triton" or "torch".

    Returns:
        Shape ``(R, N, 4)``, dtype of ``x``: narrow kernel over all, narrow over the class, wide over all, wide over
        the class (narrow has variance s, wide 4 s).

    Raises:
        TypeError: x is not floating point or labels are not integers.
        ValueError: shapes that do not fit, NaN or infinite values, a variance <= 0, or an unknown backend.
        ModuleNotFoundError: "triton" was asked for where it is not installed.

    Source: the pairwise bounds of Kolchinsky and Tracey (2017).
    """
    _require(x, labels, noise_variance)
    if backend not in ("auto", "triton", "torch"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'triton' or 'torch'")
    if backend == "torch" or (backend == "auto" and not x.is_cuda):
        return reference.pairwise_kernel_sums(x, labels, noise_variance)
    try:
        from .kernel import launch  # late: triton is absent on some platforms
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("backend is 'triton', but triton is not installed; use backend='torch'") from error
    return launch(x, labels, noise_variance)


def _require(x: Tensor, labels: Tensor, noise_variance: Tensor) -> None:
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"x has dtype {x.dtype}; expected float32 or float64")
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (R, N, D) without an empty axis")
    if labels.is_floating_point():
        raise TypeError(f"labels has dtype {labels.dtype}; expected integers")
    if labels.shape != x.shape[1:2]:
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected ({x.shape[1]},), one label a sample")
    if noise_variance.shape != x.shape[:1]:
        raise ValueError(f"noise_variance has shape {tuple(noise_variance.shape)}; expected ({x.shape[0]},)")
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; expected finite samples")
    if not ((noise_variance > 0) & torch.isfinite(noise_variance)).all():
        raise ValueError(f"noise_variance is {noise_variance.tolist()}; expected finite numbers > 0")
