"""Temporal InfoNCE: a latent should recognise its neighbours in time among other latents.

Two versions, which share the name and not the value. Neither can show more than the logarithm of a count: up to
ln((T - 1) / (2 k)) nats with negatives from the window. With the whole batch one positive could show ln(B T - 1), but
the positives of an anchor stand in each other's denominators, so their mean shows at most ln(B T - 1) less the mean of
ln(number of neighbours), about ln((B T - 1) / (2 k)). With negatives from the window that is no bound on information at
all: they differ from the positives by their time, which a clock tells, too. Nats.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from corelib.information.samples import require_option


def temporal_infonce(
    z: Tensor, *, k: int, temperature: float, negatives: str = "window", similarity: str = "cosine"
) -> Tensor:
    """InfoNCE loss of latents whose positives are the latents at most k steps away in their own window.

    "window": every anchor that has all of its 2 k neighbours; the other latents of its window are negatives; all the
    positives stand together inside the logarithm, -ln[sum_pos / (sum_pos + sum_neg)].

    "batch": every latent is an anchor, with the neighbours it has; each positive is set against all the other latents
    of the batch, and -ln[positive / sum over others] is averaged over positives, then over anchors.

    Args:
        z: latents, shape ``(B, T, d)``; with T >= 2 k + 2 for "window", else no anchor has a neighbour on each side
            and a negative; T >= 2 for "batch".
        k: reach of the neighbourhood, steps, >= 1.
        temperature: divides the similarities, > 0.
        negatives: "window" or "batch".
        similarity: "cosine" or "dot".

    Returns:
        The loss, a scalar >= 0 to be *minimised*, nats, dtype of ``z``. Constant latents have ln((T - 1) / (2 k)) in
        the window, ln(B T - 1) in the batch. It cannot fall below 0 in the window, nor in the batch below the mean of
        ln(number of neighbours), as the positives of an anchor share a denominator. What the loss lies below that of
        constant latents is commonly read as information; with several positives, or negatives from the same window,
        it is not a proven bound.

    Raises:
        ValueError: too few times, ``k < 1``, ``temperature <= 0``, an unknown option, another shape, or NaN.

    Source: van den Oord et al. (2018); Cheng et al. (2026), arXiv:2510.13025, algorithm 1 ("batch") and the released
        code ("window").
    """
    _check(z, k, temperature)
    require_option("negatives", negatives, ("window", "batch"))
    require_option("similarity", similarity, ("cosine", "dot"))
    if similarity == "cosine":
        z = normalize(z, dim=-1)
    return _window_loss(z, k, temperature) if negatives == "window" else _batch_loss(z, k, temperature)


def _window_loss(z: Tensor, k: int, temperature: float) -> Tensor:
    times = z.shape[1]
    if times < 2 * k + 2:
        raise ValueError(
            f"z has {times} times and k is {k}; expected at least 2 k + 2 = {2 * k + 2} times in a window, as an "
            "anchor needs k neighbours on each side and a negative"
        )
    scores = z[:, k : times - k] @ z.transpose(1, 2) / temperature  # (B, anchors, T)
    gap = _gaps(times, z.device)[k : times - k]
    positive = scores.masked_fill((gap == 0) | (gap > k), -torch.inf).logsumexp(-1)
    everything = scores.masked_fill(gap == 0, -torch.inf).logsumexp(-1)
    return (everything - positive).mean()


def _batch_loss(z: Tensor, k: int, temperature: float) -> Tensor:
    windows, times, d = z.shape
    flat = z.reshape(-1, d)
    itself = torch.eye(len(flat), dtype=torch.bool, device=z.device)
    others = (flat @ flat.T / temperature).masked_fill(itself, -torch.inf).logsumexp(-1).reshape(windows, times)
    gap = _gaps(times, z.device)
    neighbour = ((gap > 0) & (gap <= k)).to(z.dtype)
    weight = neighbour / neighbour.sum(-1, keepdim=True)
    positive = (z @ z.transpose(1, 2) / temperature * weight).sum(-1)
    return (others - positive).mean()


def _gaps(times: int, device: torch.device) -> Tensor:
    t = torch.arange(times, device=device)
    return (t[:, None] - t[None, :]).abs()


def _check(z: Tensor, k: int, temperature: float) -> None:
    if z.ndim != 3 or z.shape[0] < 1 or z.shape[1] < 2 or z.shape[2] < 1:
        raise ValueError(f"z has shape {tuple(z.shape)}; expected (B, T, d) with T >= 2")
    if not bool(torch.isfinite(z).all()):
        raise ValueError("z has a NaN or infinite entry; expected finite latents")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k is {k!r}; expected an integer >= 1")
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature is {temperature}; expected a finite number > 0")
