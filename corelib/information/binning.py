"""Binned information: digitise each unit's activity, read the row of bin numbers as one symbol T, count.

For a deterministic network H(T|X) = 0, so I(X;T) = H(T): everything that moves in the plane is made by the bins.
Three kinds of edges are here: one fixed range, one fixed width, and entropy-based adaptive bins (EBAB), which follow
each layer at each epoch. Activity has shape ``(R, N, D)``: R layers-at-an-epoch, N samples, D units. Results in nats.
"""

import torch
from torch import Tensor

from corelib.information.discrete import information_pair, row_codes
from corelib.information.estimate import PlaneEstimate

_CHUNK_VALUES = 1 << 22  # values sorted at once: bounds the extra memory to tens of megabytes


def fixed_edges(low: float, high: float, n_bins: int = 30) -> Tensor:
    """Equally spaced left edges from ``low`` to ``high``, both included.

    Args:
        low: first edge, in units of activity.
        high: last edge; values at or above it share the top bin.
        n_bins: number of edges, hence of bins (the topmost is open).

    Returns:
        Edges, shape ``(n_bins,)``, float64.

    Raises:
        ValueError: ``n_bins < 1``, or not ``low < high``, or an end is not finite.

    Source: Chelombiev et al. (2019), the non-adaptive path of the released code: linspace(low, high, n_bins).
    """
    _require_bins(n_bins)
    if not (float("-inf") < low < high < float("inf")):
        raise ValueError(f"low, high are {low}, {high}; expected finite numbers with low < high")
    return torch.linspace(low, high, n_bins, dtype=torch.float64)


def ebab_edges(h: Tensor, n_bins: int = 30, *, floor: float | None = None, mode: str = "unique") -> Tensor:
    """Left edges of entropy-based adaptive bins: equally many distinct activity levels in every bin.

    With u_0 < ... < u_{U-1} the distinct values of the whole layer (without the floor), the edges are u_[kU/B] for
    k = 0 .. B-1 and u_{U-1}, so that the maximum has its own bin; a floor adds one edge below, whose bin holds the
    values at the floor. ``k * U // B`` is done in integers: rounding k * (U / B) is one too low for some pairs.

    Args:
        h: activity, shape ``(R, N, D)``.
        n_bins: B, number of bins that share the distinct values.
        floor: smallest value the activation can take, or ``None`` for no floor bin.
        mode: "unique" for EBAB; "mass" for plain quantiles of all values, ties kept, which is what EBAB is not.

    Returns:
        Edges, shape ``(R, n_bins + 1)``, or ``(R, n_bins + 2)`` with a floor; dtype of ``h``. Where there are fewer
        distinct values than bins some edges repeat, which leaves bins empty and changes no estimate.

    Raises:
        ValueError: NaN or infinite activity, a value below ``floor``, ``n_bins < 1``, or an unknown mode.

    Source: Chelombiev et al. (2019), as in the released code, with its rounding mended.
    """
    _require_activity(h)
    _require_bins(n_bins)
    if mode not in ("unique", "mass"):
        raise ValueError(f"mode is {mode!r}; expected 'unique' or 'mass'")
    if floor is not None and h.min() < floor:
        raise ValueError(f"h holds {h.min().item():g}, below floor = {floor:g}; expected no value under the floor")
    rows = max(1, _CHUNK_VALUES // (h.shape[1] * h.shape[2]))
    return torch.cat([_ebab_rows(part, n_bins, floor, mode) for part in h.flatten(1).split(rows)])


def digitize(h: Tensor, edges: Tensor) -> Tensor:
    """Bin of each value: the largest i with ``edges[i] <= h``.

    Args:
        h: activity, shape ``(R, N, D)``.
        edges: left edges in rising order, shape ``(E,)`` for all rows or ``(R, E)``.

    Returns:
        Bins, int64, shape ``(R, N, D)``, in ``0 .. E-1``.

    Raises:
        ValueError: NaN or infinite activity, edges of the wrong shape, or a value below the first edge. (NumPy's
            ``digitize(...) - 1`` would answer -1 there, which as an index is the *top* bin.)
    """
    _require_activity(h)
    if edges.ndim not in (1, 2) or edges.shape[-1] < 1 or (edges.ndim == 2 and edges.shape[0] != h.shape[0]):
        raise ValueError(f"edges has shape {tuple(edges.shape)}; expected (E,) or ({h.shape[0]}, E) with E >= 1")
    lowest = h.flatten(1).amin(1)
    first = edges[..., 0].to(h.device).expand_as(lowest)
    if (lowest < first).any():
        row = int((lowest < first).nonzero()[0])
        raise ValueError(f"h holds {lowest[row]:g}, below the first edge {first[row]:g}; expected no value under it")
    # Edges and activity must be compared in one dtype; the wider one loses nothing.
    common = torch.promote_types(h.dtype, edges.dtype)
    edges = edges.to(h.device, common).expand(h.shape[0], edges.shape[-1]).contiguous()
    flat = h.flatten(1).to(common).contiguous()
    return (torch.searchsorted(edges, flat, right=True) - 1).view(h.shape)


def digitize_width(h: Tensor, width: float) -> Tensor:
    """Bins of one width without end: floor(h / width).

    Args:
        h: activity, shape ``(R, N, D)``.
        width: width of a bin, in units of activity, > 0.

    Returns:
        Bins, int64, shape ``(R, N, D)``; may be negative.

    Raises:
        ValueError: NaN or infinite activity, or ``width <= 0``, or so small that bin numbers overflow.
    """
    _require_activity(h)
    if not 0 < width < float("inf"):
        raise ValueError(f"width is {width}; expected a finite number > 0")
    bins = (h.double() / width).floor()
    if bins.abs().max() >= 2**52:
        raise ValueError(f"width is {width}; expected one for which |h| / width stays below 2**52")
    return bins.long()


def binned_information(h: Tensor, y: Tensor, edges: Tensor) -> PlaneEstimate:
    """I(X;T) and I(Y;T) of digitised activity, R layers at once.

    Args:
        h: activity, shape ``(R, N, D)``; the N samples are distinct, equally likely inputs.
        y: labels, shape ``(N,)``, integers.
        edges: left edges, shape ``(E,)`` or ``(R, E)``.

    Returns:
        A :class:`PlaneEstimate`, nats; I(X;T) = H(T) <= ln N and 0 <= I(Y;T) <= H(Y).

    Raises:
        TypeError: labels are not integers.
        ValueError: as :func:`digitize`, or labels of another length.

    Source: Chelombiev et al. (2019); I(Y;T) = H(T) + H(Y) - H(T,Y).
    """
    _require_activity(h)
    return coded_information(digitize(h, edges), y)


def coded_information(bins: Tensor, y: Tensor) -> PlaneEstimate:
    """I(X;T) and I(Y;T) of activity that is digitised already.

    Args:
        bins: integers, shape ``(R, N, D)``.
        y: labels, shape ``(N,)``, integers.

    Returns:
        A :class:`PlaneEstimate`, nats.

    Raises:
        TypeError: an argument is not of integers.
        ValueError: shapes do not fit.
    """
    ixt, iyt = information_pair(row_codes(bins), y.to(bins.device))
    return PlaneEstimate(ixt, iyt, "plug-in on given bins")


def _ebab_rows(values: Tensor, n_bins: int, floor: float | None, mode: str) -> Tensor:
    ordered = values.sort(dim=1).values  # (R, N D)
    counted = torch.ones_like(ordered, dtype=torch.bool)
    if mode == "unique":
        counted[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    if floor is not None:
        counted &= ordered != floor
    rank = counted.cumsum(1, dtype=torch.int32)  # how many counted values stand at or before each place
    n_counted = rank[:, -1:].long()  # U
    k = torch.arange(n_bins, device=values.device)
    wanted = torch.cat([k * n_counted // n_bins, n_counted - 1], dim=1)  # ranks of the edges among counted values
    place = torch.searchsorted(rank, (wanted + 1).clamp(min=1).int())
    # A layer wholly at its floor counts nothing (U = 0): every edge then falls on the floor itself.
    edges = ordered.gather(1, place.clamp(max=ordered.shape[1] - 1))
    return edges if floor is None else torch.cat([torch.full_like(edges[:, :1], floor), edges], dim=1)


def _require_activity(h: Tensor) -> None:
    if not h.is_floating_point():
        raise TypeError(f"h has dtype {h.dtype}; expected a floating-point tensor")
    if h.ndim != 3 or 0 in h.shape:
        raise ValueError(f"h has shape {tuple(h.shape)}; expected (R, N, D) without an empty axis")
    if not torch.isfinite(h).all():
        bad = int((~torch.isfinite(h)).sum())
        raise ValueError(f"h holds {bad} NaN or infinite values; expected finite activity")


def _require_bins(n_bins: int) -> None:
    if n_bins < 1 or int(n_bins) != n_bins:
        raise ValueError(f"n_bins is {n_bins}; expected an integer >= 1")
