"""Train an ensemble: minibatches in a fixed order, snapshots before the update of log-spaced epochs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm

from corelib.datasets import Split
from corelib.training.ensemble import MLPEnsemble
from corelib.training.gradients import func_gradients, fused_gradients
from corelib.training.optimizers import OPTIMIZERS

_GRADIENTS = {"fused": fused_gradients, "func": func_gradients}


@dataclass(frozen=True)
class TrainingTrace:
    """What training looked like at the snapshots.

    Attributes:
        epochs: shape ``(T,)``.
        train_loss: mean cross-entropy in nats, without the penalty, shape ``(T, M)``.
        train_accuracy: shape ``(T, M)``, in [0, 1].
        test_accuracy: shape ``(T, M)``, in [0, 1].
    """

    epochs: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray

    def dead(self, threshold: float = 0.6) -> np.ndarray:
        """Which models never learned: final training accuracy below ``threshold``; bool ``(M,)``.

        The default suits two balanced classes. A dead ReLU network looks perfectly compressed: leave it out.
        """
        return self.train_accuracy[-1] < threshold


def log_spaced_epochs(epochs: int, count: int) -> list[int]:
    """About ``count`` epochs from 0 to ``epochs``, both included, evenly spaced on a log scale.

    Args:
        epochs: last epoch, >= 0.
        count: how many to aim for, >= 1; early epochs that coincide are kept once.

    Returns:
        Sorted distinct epochs.

    Raises:
        ValueError: ``epochs < 0`` or ``count < 1``.
    """
    if epochs < 0 or count < 1:
        raise ValueError(f"epochs, count are {epochs}, {count}; expected epochs >= 0 and count >= 1")
    spaced = np.geomspace(1, epochs + 1, count) - 1
    return sorted({0, *(round(e) for e in spaced), epochs})


def train_ensemble(
    ensemble: MLPEnsemble,
    x: Tensor,
    y: Tensor,
    split: Split,
    *,
    epochs: int,
    lr: float = 4e-4,
    batch_size: int = 512,
    optimizer: str = "adam",
    l2: float = 0.0,
    backend: str = "fused",
    snapshots: Iterable[int] | None = None,
    callback: Callable[[int, list[Tensor]], None] | None = None,
    progress: bool = True,
) -> TrainingTrace:
    """Train all models at once, in place.

    Args:
        ensemble: the models; changed in place.
        x: inputs, shape ``(N, in)``.
        y: labels, shape ``(N,)``, int64.
        split: which samples to train and to test on.
        epochs: passes over the training samples.
        lr: learning rate.
        batch_size: samples a step; minibatches are contiguous slices of ``split.train``, never reshuffled.
        optimizer: "adam" or "sgd".
        l2: weight of the penalty sum ||W||_F^2 / 2 over hidden layers' weights.
        backend: "fused" (hand-derived gradients) or "func" (torch.func; slower, reads like the mathematics).
        snapshots: epochs to look at, before their first update; ``epochs`` itself is after the last. First and last
            when not given.
        callback: called as ``callback(epoch, activity)`` at each snapshot, with the activity of every layer on all N
            samples, L tensors ``(M, N, D_l)``.
        progress: show a progress bar.

    Returns:
        A :class:`TrainingTrace`.

    Raises:
        ValueError: arguments that do not fit, NaN inputs, an empty part of the split, an unknown optimizer or backend.
        FloatingPointError: the loss of a model is NaN or infinite at a snapshot (the learning rate is too high).

    Source: Chelombiev et al. (2019), released code: order of batches, snapshots, penalty.
    """
    _require_fitting(ensemble, x, y, split)
    for name, value, known in (("optimizer", optimizer, OPTIMIZERS), ("backend", backend, _GRADIENTS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}")
    if batch_size < 1 or epochs < 0 or l2 < 0:
        raise ValueError(f"batch_size, epochs, l2 are {batch_size}, {epochs}, {l2}; expected >= 1, >= 0, >= 0")
    x, y = x.to(ensemble.parameters), y.to(ensemble.parameters.device)
    wanted = {0, epochs} if snapshots is None else set(snapshots)
    batches = _batches(x, y, split, batch_size, ensemble.biases[-1].shape[1])
    gradient, compute = torch.empty_like(ensemble.parameters), _GRADIENTS[backend]
    descent = OPTIMIZERS[optimizer](ensemble.parameters, lr)
    rows = []
    for epoch in tqdm(range(epochs + 1), desc="epochs", unit="epoch", disable=not progress, leave=False):
        if epoch in wanted:
            rows.append((epoch, *_snapshot(ensemble, x, y, split, epoch, callback)))
        if epoch < epochs:
            for inputs, targets in batches:
                compute(ensemble, inputs, targets, l2, gradient)
                descent.step(gradient)
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.empty(0)] * 4
    return TrainingTrace(*columns)


def _batches(x: Tensor, y: Tensor, split: Split, batch_size: int, n_classes: int) -> list[tuple[Tensor, Tensor]]:
    """Inputs and one-hot targets as columns, ``(in, n)`` and ``(C, n)``, one pair a minibatch."""
    parts = split.train.to(y.device).split(batch_size)
    return [(x[i].T.contiguous(), F.one_hot(y[i], n_classes).T.to(x).contiguous()) for i in parts]


def _snapshot(ensemble, x, y, split, epoch, callback) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    logits = ensemble.logits(x)  # (M, N, C)
    losses = F.cross_entropy(logits.transpose(1, 2), y.expand(logits.shape[:2]), reduction="none")
    loss = losses[:, split.train].mean(1)
    if not torch.isfinite(loss).all():
        bad = (~torch.isfinite(loss)).nonzero().flatten().tolist()
        raise FloatingPointError(f"the loss of models {bad} is not finite at epoch {epoch}; try a smaller lr")
    right = (logits.argmax(2) == y).double()
    if callback is not None:
        callback(epoch, ensemble.activity(x))
    means = (loss.double(), right[:, split.train].mean(1), right[:, split.test].mean(1))
    return tuple(values.cpu().numpy() for values in means)


def _require_fitting(ensemble: MLPEnsemble, x: Tensor, y: Tensor, split: Split) -> None:
    width, n_classes = ensemble.weights[0].shape[2], ensemble.biases[-1].shape[1]
    if x.ndim != 2 or x.shape[1] != width:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, {width})")
    if y.shape != x.shape[:1] or y.dtype != torch.int64:
        raise ValueError(f"y has shape {tuple(y.shape)} and dtype {y.dtype}; expected ({len(x)},) int64")
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; expected finite inputs")
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"y holds labels {y.min()} .. {y.max()}; expected 0 .. {n_classes - 1}")
    for name, part in (("train", split.train), ("test", split.test)):
        if len(part) == 0 or part.min() < 0 or part.max() >= len(x):
            raise ValueError(f"split.{name} has {len(part)} indices; expected at least one, all in 0 .. {len(x) - 1}")
