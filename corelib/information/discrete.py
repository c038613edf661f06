"""Plug-in information measures of discrete codes, many samples at once.

H(T) = -sum_c p_c ln p_c with p_c = n_c / N, where a code c stands for one whole row of symbols. Everything is in nats.
"""

import math

import torch
from torch import Tensor

_MAX_CODE = 2**62  # products of code ranges stay below this, so int64 never overflows


def entropy(codes: Tensor) -> Tensor:
    """Plug-in entropy of each row of ``codes``.

    Args:
        codes: integer symbols, shape ``(R, N)``: R samples of N draws each; any integers.

    Returns:
        Entropy in nats, shape ``(R,)``, float64. Biased downwards by about ``(K - 1) / (2 N)`` for K symbols.

    Raises:
        TypeError: ``codes`` is not an integer tensor.
        ValueError: ``codes`` is not of shape ``(R, N)`` with ``N >= 1``.

    Source: Miller (1955) for the bias.
    """
    _require_integers("codes", codes, 2)
    n_draws = codes.shape[1]
    counts = _run_lengths(codes.sort(dim=1).values)
    # Every run of equal codes contributes n ln n; adding 0.0 turns the -0.0 of a constant row into 0.0.
    return math.log(n_draws) - torch.special.xlogy(counts, counts).sum(1) / n_draws + 0.0


def mutual_information(codes: Tensor, labels: Tensor) -> Tensor:
    """Plug-in I(T;Y) = H(T) + H(Y) - H(T,Y) of each row of ``codes`` with shared ``labels``.

    Args:
        codes: integer symbols, shape ``(R, N)``.
        labels: class of each draw, shape ``(N,)``, any integers.

    Returns:
        Mutual information in nats, shape ``(R,)``, float64, never negative (rounding below zero is clamped).

    Raises:
        TypeError: an argument is not an integer tensor.
        ValueError: shapes do not fit.
    """
    return information_pair(codes, labels)[1]


def information_pair(codes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """H(T) and I(T;Y) together, which costs one sort less than asking for them one by one.

    Args:
        codes: integer symbols, shape ``(R, N)``.
        labels: class of each draw, shape ``(N,)``, any integers.

    Returns:
        ``(entropy, information)``, each of shape ``(R,)``, float64, nats.

    Raises:
        TypeError: an argument is not an integer tensor.
        ValueError: shapes do not fit.
    """
    _require_integers("codes", codes, 2)
    _require_integers("labels", labels, 1)
    if labels.shape[0] != codes.shape[1]:
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected ({codes.shape[1]},), one label a draw")
    labels = torch.unique(labels, return_inverse=True)[1]
    n_classes = int(labels.max()) + 1
    # The joint code holds the label in its own digit of base C: a one-bit shift would merge classes for C > 2.
    joint = _dense_if_large(codes, n_classes) * n_classes + labels
    ordered = joint.sort(dim=1).values
    h_joint = entropy_of_sorted(ordered)
    h_codes = entropy_of_sorted(torch.div(ordered, n_classes, rounding_mode="floor"))
    information = h_codes + entropy(labels[None]) - h_joint
    return h_codes, information.clamp(min=0.0)


def entropy_of_sorted(ordered: Tensor) -> Tensor:
    """Plug-in entropy, nats, of rows ``(R, N)`` whose equal codes already stand together."""
    n_draws = ordered.shape[1]
    counts = _run_lengths(ordered)
    return math.log(n_draws) - torch.special.xlogy(counts, counts).sum(1) / n_draws + 0.0


def row_codes(symbols: Tensor) -> Tensor:
    """One integer for each row of symbols, equal exactly where all the row's symbols are equal.

    Digits are packed while they fit into 62 bits; then the codes so far are replaced by their dense rank within the
    sample, which frees the bits, and packing goes on. Exact for any width and alphabet.

    Args:
        symbols: integers, shape ``(R, N, D)``.

    Returns:
        Codes, int64, shape ``(R, N)``; comparable within a row of the batch only.

    Raises:
        TypeError: ``symbols`` is not an integer tensor.
        ValueError: ``symbols`` is not of shape ``(R, N, D)`` with ``N, D >= 1``.
    """
    _require_integers("symbols", symbols, 3)
    low = symbols.amin((0, 1))
    ranges = (symbols.amax((0, 1)) - low + 1).tolist()
    codes = torch.zeros(symbols.shape[:2], dtype=torch.int64, device=symbols.device)
    span = 1  # all codes lie in 0 .. span - 1
    for unit, base in enumerate(ranges):
        digit = symbols[:, :, unit].long() - low[unit]
        if base < 1 or base >= _MAX_CODE // symbols.shape[1]:  # a huge alphabet: keep the digit's rank instead
            digit, base = _dense_rank(symbols[:, :, unit].long()), symbols.shape[1]
        if span * base >= _MAX_CODE:
            codes, span = _dense_rank(codes), symbols.shape[1]
        codes, span = codes.mul_(base).add_(digit), span * base
    return codes


def _run_lengths(ordered: Tensor) -> Tensor:
    """Number of draws in each run of equal values of sorted rows, padded with zeros; ``(R, N)`` float64."""
    starts = torch.ones_like(ordered, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    run = starts.cumsum(1) - 1
    counts = torch.zeros(ordered.shape, dtype=torch.float64, device=ordered.device)
    return counts.scatter_add_(1, run, torch.ones_like(counts))


def _dense_rank(values: Tensor) -> Tensor:
    """Rank of each value among the distinct values of its row, ``(R, N)`` int64, in 0 .. N - 1."""
    ordered, order = values.sort(dim=1)
    starts = torch.zeros_like(ordered)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return torch.empty_like(ordered).scatter_(1, order, starts.cumsum(1))


def _dense_if_large(codes: Tensor, factor: int) -> Tensor:
    limit = _MAX_CODE // factor
    codes = codes.long()
    return _dense_rank(codes) if codes.max() >= limit or codes.min() <= -limit else codes


def _require_integers(name: str, values: Tensor, rank: int) -> None:
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"{name} has dtype {values.dtype}; expected integers (digitise first)")
    shape = {1: "(N,)", 2: "(R, N)", 3: "(R, N, D)"}[rank]
    if values.ndim != rank or 0 in values.shape:
        raise ValueError(f"{name} has shape {tuple(values.shape)}; expected {shape} without an empty axis")
