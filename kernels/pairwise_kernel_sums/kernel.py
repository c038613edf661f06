"""One program keeps a tile of samples and walks over all others; nothing but four sums a sample leaves the chip.

Up to 16 units the squared distance is summed from direct differences, which cannot cancel. Wider layers use matrix
products of centred samples in full float32 precision, 32 units at a time, with a negative rounding error clamped away.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

WIDEST_DIRECT = 16
_BLOCK_D = 32
_LOG2_E = 1.4426950408889634


@triton.jit
def pairwise_kernel_sums_kernel(
    x_ptr,  # (R, N, D_PADDED) centred, in units of sqrt(8 s / log2 e), padded with zeros
    norm_ptr,  # (R, N) squared lengths; not read when DIRECT
    label_ptr,  # (N,) int32
    out_ptr,  # (R, N, 4)
    n,
    D: tl.constexpr,
    D_PADDED: tl.constexpr,
    DIRECT: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Four sums for each of BLOCK_M samples of one row of the batch."""
    row = tl.program_id(1).to(tl.int64)
    x_ptr += row * n * D_PADDED
    norm_ptr += row * n
    i = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    i_valid = i < n
    i_base = x_ptr + i.to(tl.int64) * D_PADDED
    label_i = tl.load(label_ptr + i, mask=i_valid, other=-1)
    narrow_all = tl.zeros([BLOCK_M], tl.float32)
    narrow_same = tl.zeros([BLOCK_M], tl.float32)
    wide_all = tl.zeros([BLOCK_M], tl.float32)
    wide_same = tl.zeros([BLOCK_M], tl.float32)
    for start in range(0, n, BLOCK_N):
        j = start + tl.arange(0, BLOCK_N)
        j_valid = j < n
        j_base = x_ptr + j.to(tl.int64) * D_PADDED
        label_j = tl.load(label_ptr + j, mask=j_valid, other=-2)
        distance = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
        if DIRECT:
            for unit in tl.static_range(D):
                a = tl.load(i_base + unit, mask=i_valid, other=0.0)
                b = tl.load(j_base + unit, mask=j_valid, other=0.0)
                difference = a[:, None] - b[None, :]
                distance += difference * difference
        else:
            for first in range(0, D_PADDED, BLOCK_D):
                units = first + tl.arange(0, BLOCK_D)
                a = tl.load(i_base[:, None] + units[None, :], mask=i_valid[:, None], other=0.0)
                b = tl.load(j_base[:, None] + units[None, :], mask=j_valid[:, None], other=0.0)
                distance = tl.dot(a, tl.trans(b), acc=distance, input_precision="ieee")
            norm_i = tl.load(norm_ptr + i, mask=i_valid, other=0.0)
            norm_j = tl.load(norm_ptr + j, mask=j_valid, other=0.0)
            distance = tl.maximum(norm_i[:, None] + norm_j[None, :] - 2.0 * distance, 0.0)
            distance = tl.where(i[:, None] == j[None, :], 0.0, distance)
        # One exponential serves both kernels: the narrow one is the fourth power of the wide one.
        wide = tl.where(j_valid[None, :], tl.exp2(-distance), 0.0)
        squared = wide * wide
        narrow = squared * squared
        same = label_i[:, None] == label_j[None, :]
        wide_all += tl.sum(wide, axis=1)
        narrow_all += tl.sum(narrow, axis=1)
        wide_same += tl.sum(tl.where(same, wide, 0.0), axis=1)
        narrow_same += tl.sum(tl.where(same, narrow, 0.0), axis=1)
    out = out_ptr + (row * n + i) * 4
    tl.store(out, narrow_all, mask=i_valid)
    tl.store(out + 1, narrow_same, mask=i_valid)
    tl.store(out + 2, wide_all, mask=i_valid)
    tl.store(out + 3, wide_same, mask=i_valid)


def block_sizes(d: int) -> dict[str, int | bool]:
    """Compile-time settings for samples of ``d`` units; also what the compile-only test builds.

    Tiles of 32 x 32 pairs keep everything in the registers of 128 threads, at every width.
    """
    direct = d <= WIDEST_DIRECT
    padded = d if direct else triton.cdiv(d, _BLOCK_D) * _BLOCK_D
    return {"D": d, "D_PADDED": padded, "DIRECT": direct, "BLOCK_D": _BLOCK_D, "BLOCK_M": 32, "BLOCK_N": 32}


def launch(x: Tensor, labels: Tensor, noise_variance: Tensor) -> Tensor:
    """Prepare the samples and run the kernel; arguments and result as in the public function."""
    r, n, d = x.shape
    settings = block_sizes(d)
    centred = x.double()
    centred = centred - (centred.amax(1, keepdim=True) + centred.amin(1, keepdim=True)) / 2
    # exp(-d / (8 s)) = exp2(-|z_i - z_j|^2) for z = x sqrt(log2 e / (8 s)): exp2 is what the hardware has.
    z = centred * (_LOG2_E / (8 * noise_variance.to(x.device).double())).sqrt().view(r, 1, 1)
    padded = torch.zeros(r, n, settings["D_PADDED"], dtype=torch.float32, device=x.device)
    padded[..., :d] = z
    norms = (padded * padded).sum(2)
    dense = torch.unique(labels, return_inverse=True)[1].to(device=x.device, dtype=torch.int32)
    out = torch.empty(r, n, 4, dtype=torch.float32, device=x.device)
    grid = (triton.cdiv(n, settings["BLOCK_M"]), r)
    pairwise_kernel_sums_kernel[grid](padded, norms, dense, out, n, **settings)
    return out.to(x.dtype)
