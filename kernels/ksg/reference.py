"""What the kernel computes, in plain PyTorch, tile by tile: the page to read first.

The operation itself is `_exact`: a subtraction, an absolute value and a maximum, in the precision of the samples. Three
savings make it fast on a CPU, and none of them changes a bit of the answer.

- Screening. Nearly every pair is settled by its distance in float32, which is off by at most `_margin`. Only pairs that
  this leaves open are computed again by `_exact`.
- Symmetry. A tile off the diagonal serves its rows and, transposed, its columns.
- A bound. Distances to a few of the other samples bound the distance to the k-th neighbour from above, so that only the
  few pairs within the bound ever need to be sorted.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

_TILE = 512  # 512 x 512 float32 is 1 MB: the tile stays in the cache between the operations on it
_PENDING = 1 << 20  # candidates that wait for one common sort
_FINE = 2.0**-11  # of the spread of the data: smaller distances are screened in float64


def ksg_neighbors(x: Tensor, y: Tensor, k: int, tile: int = _TILE) -> tuple[Tensor, Tensor, Tensor]:
    """(eps, eps_x, eps_y), each ``(N,)``; arguments as in the public function, extra memory O(tile^2 + N k)."""
    joint = torch.cat([x, y], 1)
    z, scale = _standardise(joint)
    bound = _bound(z, k)
    if bound.median() < _FINE:
        z, scale = _standardise(joint, joint.dtype)
        bound = _bound(z, k)
    distance = joint.new_full((len(x), k), math.inf)
    index = torch.zeros_like(distance, dtype=torch.int64)
    waiting, size = [], 0
    for rows, columns, screened in _tiles(z, tile):
        i, j = (screened <= torch.maximum(bound[rows, None], bound[columns])).nonzero(as_tuple=True)
        i, j = i + rows.start, j + columns.start
        d = _exact(joint, i, j)
        for own, other in ((j, i), (i, j)):
            # In this order a sample meets the others by increasing index: of equal distances the first seen stays.
            closer = d < distance[own, -1]
            waiting.append((own[closer], other[closer], d[closer]))
            size += len(waiting[-1][0])
        if size > _PENDING:
            distance, index = _merge(distance, index, waiting)
            waiting, size = [], 0
            bound = torch.minimum(bound, _screening_limit(distance[:, -1], scale, z.dtype, +1))
    distance, index = _merge(distance, index, waiting)
    extents = [(v[index] - v[:, None]).abs().amax((1, 2)) for v in (x, y)]
    return distance[:, -1].clone(), extents[0], extents[1]


def marginal_counts(x: Tensor, radius: Tensor, strict: bool = True, tile: int = _TILE) -> Tensor:
    """Counts ``(N,)`` int64; arguments as in the public function, extra memory O(tile^2)."""
    z, scale = _standardise(x)
    if radius.median() < _FINE * scale:
        z, scale = _standardise(x, x.dtype)
    low = _screening_limit(radius, scale, z.dtype, -1)
    high = _screening_limit(radius, scale, z.dtype, +1)
    inside = torch.lt if strict else torch.le
    count = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for rows, columns, screened in _tiles(z, tile):
        for own, other, distance in ((rows, columns, screened), (columns, rows, screened.T)):
            surely, i, j = _settle(distance, low[own, None], high[own, None])
            count[own] += surely
            i, j = i + own.start, j + other.start
            count.index_add_(0, i, inside(_exact(x, i, j), radius[i]).long())
    return count


def _settle(distance: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How many distances of each row are below ``low``, and the places (i, j) of those between ``low`` and ``high``."""
    flags, ones = torch.empty_like(distance), distance.new_ones(distance.shape[1])
    # Comparisons written as floats and a product with ones are, on a CPU, the fastest way to count.
    surely = torch.lt(distance, low, out=flags).mv(ones)
    perhaps = torch.le(distance, high, out=flags).mv(ones)
    open_rows = (surely < perhaps).nonzero()[:, 0]
    part = distance[open_rows]
    i, j = ((part >= low[open_rows]) & (part <= high[open_rows])).nonzero(as_tuple=True)
    return surely.long(), open_rows[i], j


def _exact(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Max-norm distances of the pairs (i, j), in the precision of x: what decides."""
    return (x[i] - x[j]).abs().amax(1)


def _standardise(x: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Columns ``(D, N)`` of x, centred and divided by one common scale into [-1, 1]; and that scale, float64."""
    x = x.double()
    centred = x - (x.amax(0) / 2 + x.amin(0) / 2)
    scale = centred.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    return (centred / scale).T.to(dtype).contiguous(), scale


def _margin(dtype: torch.dtype) -> float:
    """More than rounding can add up to to a difference within [-2, 2]: of two samples, of them exactly, of a limit."""
    return 8 * torch.finfo(dtype).eps


def _screening_limit(radius: Tensor, scale: Tensor, dtype: torch.dtype, sign: int) -> Tensor:
    """The radius in standardised units, moved by the margin; no distance is above 2, so 3 is as good as more."""
    return ((radius.double() / scale).clamp_max(3) + sign * _margin(dtype)).to(dtype)


def _tiles(z: Tensor, tile: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, columns, screening distances), until every pair i < j was met once; all others are infinitely far."""
    n = z.shape[1]
    blocks = [slice(start, min(start + tile, n)) for start in range(0, n, tile)]
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:
            distance = _distances(z[:, rows], z[:, columns])
            if rows == columns:
                distance.masked_fill_(torch.ones_like(distance, dtype=torch.bool).tril(), math.inf)
            yield rows, columns, distance


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Max-norm distances ``(M, N)`` of samples ``a (D, M)`` and ``b (D, N)``, built dimension by dimension in place."""
    distance = torch.sub(a[0, :, None], b[0]).abs_()
    difference = torch.empty_like(distance)
    for a_d, b_d in zip(a[1:], b[1:], strict=True):
        torch.sub(a_d[:, None], b_d, out=difference)
        torch.maximum(distance, difference.abs_(), out=distance)
    return distance


def _bound(z: Tensor, k: int) -> Tensor:
    """For each sample, no less than the screening distance of its k-th neighbour: found among every step-th sample."""
    n = z.shape[1]
    step = max(1, n // max(8 * math.isqrt(k * n), k + 1))
    some = torch.arange(0, n, step, device=z.device)
    others = z[:, some]
    bound = z.new_empty(n)
    for start in range(0, n, _TILE):
        distance = _distances(z[:, start : start + _TILE], others)
        here = (some >= start) & (some < start + _TILE)
        distance[some[here] - start, here.nonzero()[:, 0]] = math.inf
        bound[start : start + _TILE] = distance.topk(k, dim=1, largest=False).values[:, -1]
    return bound + 2 * _margin(z.dtype)  # once for the distance in the bound, once for the one compared with it


def _merge(distance: Tensor, index: Tensor, waiting: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor]:
    """The k nearest so far, ``(N, k)`` distances and indices, after the waiting (row, column, distance) are added."""
    n, k = distance.shape
    own = torch.arange(n, device=index.device).repeat_interleave(k)
    rows, columns, distances = map(torch.cat, zip((own, index.ravel(), distance.ravel()), *waiting, strict=True))
    order = distances.argsort(stable=True)
    order = order[rows[order].argsort(stable=True)]
    first = rows.bincount(minlength=n).cumsum(0) - rows.bincount(minlength=n)
    best = order[first[:, None] + torch.arange(k, device=index.device)]
    return distances[best], columns[best]
