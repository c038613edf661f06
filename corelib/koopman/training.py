"""Train a Koopman autoencoder on windows of a trajectory, and keep what its latents looked like on the way."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from corelib.koopman.autoencoders import KoopmanAE, KoopmanVAE, require_windows
from corelib.koopman.information_loss import InformationLoss, LossTerms
from corelib.koopman.operators import require_count
from corelib.koopman.spectra import density_spectrum


@dataclass(frozen=True, eq=False)
class History:
    """What training looked like.

    Attributes:
        terms: each term of the loss after every step, arrays of shape ``(steps,)`` by name.
        snapshots: the steps after which the latents were looked at, shape ``(S,)``.
        spectra: eigenvalues of the trace-normalised covariance of the latents of all windows at the snapshots,
            descending, shape ``(S, d)``.
    """

    terms: dict[str, np.ndarray]
    snapshots: np.ndarray
    spectra: np.ndarray

    def effective_dimension(self) -> np.ndarray:
        """e^S of the spectra, shape ``(S,)``."""
        p = np.clip(self.spectra, 1e-300, None)
        return np.exp(-(p * np.log(p)).sum(1))


def sliding_windows(x: Tensor, length: int) -> Tensor:
    """All windows of consecutive states, of one trajectory or of several.

    Args:
        x: states, shape ``(T, n)`` or ``(R, T, n)``; windows never cross from one of the R trajectories to another.
        length: states in a window, 2 .. T.

    Returns:
        Shape ``(R (T - length + 1), length, n)``.

    Raises:
        ValueError: another shape, or a length out of its range.
        TypeError: ``length`` not an integer.
    """
    require_count("length", length, least=2)
    if x.ndim not in (2, 3) or x.shape[-2] < length:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (T, n) or (R, T, n) with T >= length = {length}")
    return x.unfold(-2, length, 1).transpose(-1, -2).reshape(-1, length, x.shape[-1])


def fit_koopman(
    model: KoopmanAE | KoopmanVAE,
    windows: Tensor,
    loss: InformationLoss,
    *,
    steps: int,
    batch_size: int = 16,
    lr: float = 2e-3,
    seed: int = 0,
    snapshots: Iterable[int] = (),
    progress: bool = True,
) -> History:
    """Train a model in place: Adam on a one-cycle schedule, gradients clipped to norm 1; K is fitted once more at last.

    Args:
        model: changed in place; in evaluation mode at the end.
        windows: training windows, shape ``(W, T, n)``, T >= 2.
        loss: what to minimise.
        steps: minibatches, >= 1.
        batch_size: windows a minibatch, drawn with replacement, >= 1.
        lr: the schedule's largest learning rate, > 0.
        seed: of the minibatches and of sampled latents.
        snapshots: steps, 0 .. ``steps``, after which spectra are kept; the last step always is.
        progress: show a progress bar.

    Returns:
        A :class:`History`.

    Raises:
        ValueError: windows of another shape or not finite, windows whose latents all agree, ``lr <= 0``, a count that
            is too small, or a snapshot out of its range.
        FloatingPointError: latents or a loss that are NaN or infinite (the learning rate is too high).
        TypeError: a count that is not an integer.

    Source: Cheng et al. (2026), arXiv:2510.13025, algorithms 1 and 2; schedule and clipping are ours.
    """
    require_count("steps", steps)
    require_count("batch_size", batch_size)
    require_windows(windows)
    if not bool(torch.isfinite(windows).all()):
        raise ValueError("windows holds NaN or infinite values; expected finite numbers")
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr is {lr}; expected a finite number > 0")
    wanted = {*snapshots, steps}
    if not wanted <= set(range(steps + 1)):
        raise ValueError(f"snapshots holds {sorted(wanted - {steps})}; expected steps from 0 to {steps}")
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, lr, total_steps=steps + 1)
    rows, seen, spectra = [], [], []
    for step in tqdm(range(steps + 1), desc="steps", unit="step", disable=not progress, leave=False):
        with _blame_training(step):
            if step in wanted:
                seen.append(step)
                spectra.append(_spectrum(model, windows))
            if step < steps:
                batch = windows[torch.randint(len(windows), (batch_size,), generator=generator)]
                rows.append(_step(model, batch, loss, adam, generator, step))
                schedule.step()
    model.fit_operator(windows)
    model.eval()
    terms = dict(zip(LossTerms._fields, np.array(rows, dtype=float).T, strict=True))
    return History(terms, np.array(seen), np.array(spectra))


def _step(model, batch: Tensor, loss: InformationLoss, adam, generator: torch.Generator, step: int) -> list[float]:
    model.train()
    terms = loss(model(batch, generator))
    if not bool(torch.isfinite(terms.total)):
        raise FloatingPointError(f"the loss is {terms.total.item()} at step {step}; try a smaller lr")
    adam.zero_grad()
    terms.total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adam.step()
    return [term.item() for term in terms]


@contextmanager
def _blame_training(step: int) -> Iterator[None]:
    """What goes wrong before the first step is the input's fault; what goes wrong later, that of the weights."""
    try:
        yield
    except ValueError as error:
        if step == 0:
            raise
        raise FloatingPointError(f"training breaks down at step {step}: {error}; try a smaller lr") from error


@torch.no_grad()
def _spectrum(model, windows: Tensor) -> np.ndarray:
    model.eval()
    return density_spectrum(model.encode(windows)).flip(0).clamp_min(0).numpy()
