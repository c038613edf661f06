"""One program keeps a block of samples and walks over all others; a few numbers a sample are all that leaves the chip.

The neighbours take k walks. Each finds, for every sample, the smallest (distance, index) above the previous one, so
that ties are settled by the index and no list is ever sorted. Both kernels compute distances by the same function, and
only by subtraction, absolute value and maximum: nothing that a compiler may fuse or reorder could change a bit, so a
neighbour at distance eps in the first kernel is at distance eps in the second.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCKS = {"BLOCK_M": 32, "BLOCK_N": 32}  # 32 x 32 pairs stay in the registers of 128 threads, in float64 too


@triton.jit
def _distance(x_ptr, i, j, n, d):
    """Max-norm distances of samples i and j, index tensors that broadcast; x_ptr points to (d, N)."""
    a_ptr, b_ptr = x_ptr + i, x_ptr + j  # moved on by n from column to column: 64 bits, whatever d and n
    distance = tl.abs(tl.load(a_ptr, mask=i < n, other=0.0) - tl.load(b_ptr, mask=j < n, other=0.0))
    for _ in range(1, d):
        a_ptr += n
        b_ptr += n
        difference = tl.load(a_ptr, mask=i < n, other=0.0) - tl.load(b_ptr, mask=j < n, other=0.0)
        distance = tl.maximum(distance, tl.abs(difference))
    return distance


@triton.jit
def ksg_neighbors_kernel(
    x_ptr,  # (dx, N)
    y_ptr,  # (dy, N)
    eps_ptr,  # (3, N): joint distance of the k-th neighbour, x-extent and y-extent of the k neighbours
    n,
    dx,
    dy,
    k,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Distance and extents of the k nearest neighbours of BLOCK_M samples."""
    dtype = x_ptr.dtype.element_ty
    i = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    last_distance = tl.full([BLOCK_M], -1.0, dtype)
    last_index = tl.full([BLOCK_M], -1, tl.int32)
    extent_x = tl.zeros([BLOCK_M], dtype)
    extent_y = tl.zeros([BLOCK_M], dtype)
    for _ in range(k):
        # Each lane keeps the best of the samples it meets; j grows, so of equal distances the first stays.
        distance = tl.full([BLOCK_M, BLOCK_N], float("inf"), dtype)
        index = tl.full([BLOCK_M, BLOCK_N], 2147483647, tl.int32)
        for start in range(0, n, BLOCK_N):
            j = start + tl.arange(0, BLOCK_N)
            in_x = _distance(x_ptr, i[:, None], j[None, :], n, dx)
            in_y = _distance(y_ptr, i[:, None], j[None, :], n, dy)
            new = tl.maximum(in_x, in_y)
            tie = (new == last_distance[:, None]) & (j[None, :] > last_index[:, None])
            allowed = (j[None, :] < n) & (j[None, :] != i[:, None]) & ((new > last_distance[:, None]) | tie)
            closer = allowed & (new < distance)
            distance = tl.where(closer, new, distance)
            index = tl.where(closer, j[None, :], index)
        last_distance = tl.min(distance, axis=1)
        last_index = tl.min(tl.where(distance == last_distance[:, None], index, 2147483647), axis=1)
        extent_x = tl.maximum(extent_x, _distance(x_ptr, i, last_index, n, dx))
        extent_y = tl.maximum(extent_y, _distance(y_ptr, i, last_index, n, dy))
    out = eps_ptr + i
    tl.store(out, last_distance, mask=i < n)
    out += n
    tl.store(out, extent_x, mask=i < n)
    out += n
    tl.store(out, extent_y, mask=i < n)


@triton.jit
def marginal_counts_kernel(
    x_ptr,  # (d, N)
    radius_ptr,  # (N,)
    count_ptr,  # (N,) int64
    n,
    d,
    STRICT: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """How many other samples lie within the radius of each of BLOCK_M samples."""
    i = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    radius = tl.load(radius_ptr + i, mask=i < n, other=0.0)
    count = tl.zeros([BLOCK_M, BLOCK_N], tl.int32)
    for start in range(0, n, BLOCK_N):
        j = start + tl.arange(0, BLOCK_N)
        distance = _distance(x_ptr, i[:, None], j[None, :], n, d)
        inside = distance < radius[:, None] if STRICT else distance <= radius[:, None]
        inside = inside & (j[None, :] < n) & (j[None, :] != i[:, None])
        count += inside.to(tl.int32)
    tl.store(count_ptr + i, tl.sum(count, axis=1).to(tl.int64), mask=i < n)


def launch_neighbors(x: Tensor, y: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """(eps, eps_x, eps_y), each ``(N,)``; arguments as in the public function."""
    n, dx = x.shape
    eps = torch.empty(3, n, dtype=x.dtype, device=x.device)
    grid = (triton.cdiv(n, BLOCKS["BLOCK_M"]),)
    ksg_neighbors_kernel[grid](x.T.contiguous(), y.T.contiguous(), eps, n, dx, y.shape[1], k, **BLOCKS)
    return tuple(eps.unbind())


def launch_counts(x: Tensor, radius: Tensor, strict: bool) -> Tensor:
    """Counts ``(N,)`` int64; arguments as in the public function."""
    n, d = x.shape
    count = torch.empty(n, dtype=torch.int64, device=x.device)
    grid = (triton.cdiv(n, BLOCKS["BLOCK_M"]),)
    marginal_counts_kernel[grid](x.T.contiguous(), radius.contiguous(), count, n, d, strict, **BLOCKS)
    return count
