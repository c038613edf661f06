"""What the kernel computes, in plain PyTorch, block by block: the page to read first.

Four savings make it fast on a CPU. Both kernels come from one exponential, since exp(-d/2) = exp(-d/8)^4. A block off
the diagonal serves its rows and, transposed, its columns. Sorting by class makes each block belong to one pair of
classes, so sums over a class are sums over whole blocks. And exp2 is several times faster than exp, which is slow
where its result is denormal.
"""

import math

import torch
from torch import Tensor

_BLOCK = 512  # 512 x 512 float32 is 1 MB: the block stays in the cache between the operations on it
_LARGEST_ERROR = 2.5e-4  # of an exponent, before a row is computed in float64 instead


def pairwise_kernel_sums(x: Tensor, labels: Tensor, noise_variance: Tensor, block: int = _BLOCK) -> Tensor:
    """Streaming sums ``(R, N, 4)``; arguments as in the public function, extra memory O(block^2 + N D)."""
    order = labels.argsort(stable=True)
    counts = torch.unique(labels, return_counts=True)[1].tolist()
    out = torch.empty(*x.shape[:2], 4, dtype=x.dtype, device=x.device)
    for row in range(len(x)):
        z = _standardise(x[row, order], noise_variance[row])
        out[row, order] = _one_row(z, counts, block).to(x.dtype)
    return out


def _standardise(x: Tensor, noise_variance: Tensor) -> Tensor:
    """Samples ``(N, D)``, centred and scaled so that the wide kernel is exp2(-squared distance)."""
    z = x.double()
    z = (z - (z.amax(0) + z.amin(0)) / 2) * (math.log2(math.e) / (8 * noise_variance.double())).sqrt()
    # Squared distances come from |a|^2 + |b|^2 - 2ab, which rounds at the scale of |a|^2 however close a and b are.
    error = (z * z).sum(1).max() * torch.finfo(torch.float32).eps
    return z if x.dtype == torch.float64 or error > _LARGEST_ERROR else z.float()


def _one_row(z: Tensor, counts: list[int], block: int) -> Tensor:
    """Sums ``(N, 4)`` of one row; ``z (N, D)`` is sorted by class, and the classes have the given counts."""
    sums = torch.zeros(4, len(z), dtype=z.dtype, device=z.device)  # narrow all, narrow class, wide all, wide class
    norms, ones = (z * z).sum(1, keepdim=True), torch.ones(len(z), 1, dtype=z.dtype, device=z.device)
    # One product gives minus the squared distances: [2a, -|a|^2, -1] . [b, 1, |b|^2].
    left, right = torch.cat([2 * z, -norms, -ones], 1), torch.cat([z, ones, norms], 1)
    tiles = _tiles(counts, block)
    for i, (a, b, label) in enumerate(tiles):
        for c, d, other in tiles[i:]:
            exponent = torch.mm(left[a:b], right[c:d].T).clamp_(max=0)
            if a == c:
                exponent.fill_diagonal_(0)  # a sample is at distance 0 from itself, exactly
            wide = exponent.exp2_()
            _accumulate(sums[2], sums[3], wide, (a, b), (c, d), ones[:, 0], label == other)
            narrow = wide.square_().square_()
            _accumulate(sums[0], sums[1], narrow, (a, b), (c, d), ones[:, 0], label == other)
    return sums.T


def _accumulate(total: Tensor, same: Tensor, kernel: Tensor, rows, columns, ones: Tensor, one_class: bool) -> None:
    targets = (total, same) if one_class else (total,)
    by_row = torch.mv(kernel, ones[: kernel.shape[1]])  # a product with ones is the fastest sum
    for target in targets:
        target[slice(*rows)] += by_row
    if rows != columns:  # a block on the diagonal is its own transpose
        by_column = torch.mv(kernel.T, ones[: kernel.shape[0]])
        for target in targets:
            target[slice(*columns)] += by_column


def _tiles(counts: list[int], block: int) -> list[tuple[int, int, int]]:
    """(start, stop, class) of blocks that never straddle two classes."""
    tiles, start = [], 0
    for label, count in enumerate(counts):
        stop = start + count
        tiles += [(a, min(a + block, stop), label) for a in range(start, stop, block)]
        start = stop
    return tiles
