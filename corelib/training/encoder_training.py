"""Train stochastic encoders, all at once, with the information in their codes penalised or held at a wanted value.

Loss of one model: cross-entropy + multiplier * (target - I), with I the information between inputs and codes of a
batch. A multiplier that stays at -beta is the usual penalty beta * I. One that moves by dual ascent, with either sign,
holds I at the target: too much information makes it negative, which penalises I; too little makes it reward I.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm

from corelib.information.encoder import GaussianCodes, encoder_information
from corelib.information.generalization.model_information import LowRankGaussian
from corelib.training.encoder_ensemble import StochasticEncoderEnsemble
from corelib.training.ensemble import seeded_generator
from corelib.training.swag import SwagRecorder

_EVALUATION_BATCH = 1024
PerModel = float | Tensor | np.ndarray


@dataclass(frozen=True)
class EncoderTrainingTrace:
    """What training looked like before each of its T updates.

    Attributes:
        losses: mean cross-entropy of the batch, one draw of the codes, nats, shape ``(T, E)``.
        multipliers: weight of (target - I) in the loss, shape ``(T + 1, E)``; the last row is what it ended at.
        information: I(X;Z) of the batch in the codes, nats, shape ``(T, E)``; None where the loss had no use for it.
        posteriors: one Gaussian a model where SWAG was asked for, else empty.
    """

    losses: np.ndarray
    multipliers: np.ndarray
    information: np.ndarray | None
    posteriors: list[LowRankGaussian]


@dataclass(frozen=True)
class EncoderEvaluation:
    """Loss and error of every model on one set of samples.

    Attributes:
        loss: mean cross-entropy with one draw of each code, nats, shape ``(E,)``.
        error: share of samples put in a wrong class, shape ``(E,)``.
    """

    loss: np.ndarray
    error: np.ndarray


class _Streams:
    """Random numbers of training: for each model one stream for each purpose, seeded by the model's own seed."""

    def __init__(self, ensemble: StochasticEncoderEnsemble):
        # Stream 0 gave the initial weights. Purposes are kept apart so that a model which has no use for one of them
        # trains the same beside models that have.
        seeds, self.like = ensemble.seeds, ensemble.parameters
        self.noise, self.second_noise, self.order, self.points = (
            [seeded_generator(seed, stream) for seed in seeds] for stream in (1, 2, 3, 4)
        )

    def normal(self, generators: list[torch.Generator], *shape: int) -> Tensor:
        """Standard normal numbers, ``(E, *shape)``."""
        draws = torch.empty(len(generators), *shape, dtype=self.like.dtype)
        for draw, generator in zip(draws, generators, strict=True):
            draw.normal_(generator=generator)
        return draws.to(self.like.device)

    def orders(self, generators: list[torch.Generator], n: int) -> Tensor:
        """A random order of 0 .. n - 1 for each model, ``(E, n)``."""
        return torch.stack([torch.randperm(n, generator=g) for g in generators]).to(self.like.device)


def train_encoders(
    ensemble: StochasticEncoderEnsemble,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: float,
    momentum: float = 0.9,
    weight_decay: PerModel = 0.0,
    beta: PerModel = 0.0,
    target_information: PerModel | None = None,
    dual_lr: PerModel = 0.0,
    information_points: int = 256,
    clip: float = 5.0,
    batch_size: int | None = None,
    swag_from: int | None = None,
    swag_rank: int = 10,
    progress: bool = False,
) -> EncoderTrainingTrace:
    """Train all models at once, in place, by gradient descent with momentum; no model depends on the others.

    Settings that may be one number for all models or one a model are called per model. All noise comes from the models'
    seeds, from the start again at each call.

    Args:
        ensemble: the models; changed in place.
        x: inputs, ``(N, d_in)`` for all models alike or ``(E, N, d_in)``.
        y: labels in 0 .. C - 1, int64, ``(N,)`` or ``(E, N)``.
        steps: updates, >= 1.
        lr: learning rate, > 0.
        momentum: in [0, 1).
        weight_decay: per model, >= 0; on all parameters, biases too.
        beta: per model, weight of the penalty beta * I(X;Z); with a target, where the multiplier starts (as -beta).
        target_information: per model, nats; None leaves the penalty where it is.
        dual_lr: per model, >= 0: after each update multiplier += dual_lr * (target - I). 0 leaves it where it is.
        information_points: most samples of a batch, drawn anew each step, that I(X;Z) is estimated on, >= 2.
        clip: longest gradient of a model, its parameters taken together, > 0; weight decay comes after it.
        batch_size: samples a step, in an order drawn anew each epoch, the last, smaller batch left out; None takes all.
        swag_from: first update, counted from 0, after which parameters are collected at the end of each epoch.
        swag_rank: deviations kept, >= 2.
        progress: show a progress bar.

    Returns:
        An :class:`EncoderTrainingTrace`.

    Raises:
        TypeError: labels that are not int64.
        ValueError: arguments that do not fit, NaN or infinite inputs, fewer than two epochs collected for SWAG.
        FloatingPointError: codes or loss of a model are NaN or infinite (the learning rate is too high).

    Source: Kawaguchi et al. (2023), section on experiments and released code.
    """
    x, y = _fitting_data(ensemble, x, y)
    batch_size = x.shape[1] if batch_size is None else batch_size
    _require_settings(steps, lr, momentum, information_points, clip, batch_size, x.shape[1])
    epoch = x.shape[1] // batch_size
    recorder = _swag_recorder(swag_from, swag_rank, steps, epoch)
    held = {"target_information": 0.0 if target_information is None else target_information}
    decay, beta, dual_lr, target = _per_model(ensemble, weight_decay=weight_decay, beta=beta, dual_lr=dual_lr, **held)
    if target_information is None and (dual_lr > 0).any():
        raise ValueError("target_information is None; expected nats to hold the information at, since dual_lr > 0")
    streams = _Streams(ensemble)
    batches = _batches(x, y, batch_size, streams)
    points = information_points if beta.any() or dual_lr.any() else None
    multiplier, velocity = -beta, torch.zeros_like(ensemble.parameters)
    losses, multipliers, informations = [], [multiplier], []
    for step in tqdm(range(steps), desc="updates", disable=not progress, leave=False):
        gradient, loss, information = _gradient(ensemble, *next(batches), multiplier, points, streams)
        length = gradient.norm(dim=1)
        _require_finite(loss, information, length, step)
        # Clipping is of the loss's gradient; weight decay joins after it, as in torch.optim.SGD.
        gradient *= (clip / length.clamp_min(clip))[:, None]
        velocity.mul_(momentum).add_(gradient).addcmul_(ensemble.parameters, decay[:, None])
        ensemble.parameters.sub_(velocity, alpha=lr)
        multiplier = multiplier + dual_lr * (target - information)
        for values, value in ((losses, loss), (multipliers, multiplier), (informations, information)):
            values.append(value)
        if recorder is not None and step >= swag_from and (step + 1) % epoch == 0:
            recorder.update(ensemble.parameters)
    columns = (losses, multipliers, informations)
    loss, multiplier, information = (torch.stack(values).double().cpu().numpy() for values in columns)
    posteriors = [] if recorder is None else recorder.posteriors()
    return EncoderTrainingTrace(loss, multiplier, None if points is None else information, posteriors)


def evaluate_encoders(
    ensemble: StochasticEncoderEnsemble, x: Tensor, y: Tensor, *, generator: torch.Generator
) -> EncoderEvaluation:
    """Loss and error with the noise of the codes on: one draw a sample, the same numbers for every model.

    Args:
        ensemble: the models.
        x: inputs, ``(N, d_in)`` for all models alike or ``(E, N, d_in)``.
        y: labels in 0 .. C - 1, int64, ``(N,)`` or ``(E, N)``.
        generator: where the noise comes from, on the CPU.

    Returns:
        An :class:`EncoderEvaluation`.

    Raises:
        TypeError: labels that are not int64.
        ValueError: arguments that do not fit, NaN or infinite inputs.
    """
    x, y = _fitting_data(ensemble, x, y)
    noise = torch.randn(x.shape[1], ensemble.sizes[-2], generator=generator, dtype=x.dtype)
    losses, wrong = [], []
    with torch.no_grad():
        # In parts, so that hundreds of models on thousands of samples fit in memory.
        for part in torch.arange(x.shape[1]).split(_EVALUATION_BATCH):
            logits, _, _ = ensemble.forward(x[:, part], noise[part])
            losses.append(_cross_entropy(logits, y[:, part]))
            wrong.append(logits.argmax(2) != y[:, part])
    loss, error = (torch.cat(values, 1).double().mean(1).cpu().numpy() for values in (losses, wrong))
    return EncoderEvaluation(loss, error)


def generalization_gap(train: EncoderEvaluation, test: EncoderEvaluation) -> EncoderEvaluation:
    """Test minus train, with its sign: what a bound on generalization bounds.

    Args:
        train: loss and error on the training samples.
        test: the same on samples from the same distribution that were not trained on.

    Returns:
        Differences of losses, nats, and of errors, each ``(E,)``.
    """
    return EncoderEvaluation(test.loss - train.loss, test.error - train.error)


def _batches(x: Tensor, y: Tensor, batch_size: int, streams: _Streams):
    """Batches ``(E, B, d_in)``, ``(E, B)`` without end; a full batch keeps the given order."""
    n = x.shape[1]
    while batch_size == n:
        yield x, y
    while True:
        orders = streams.orders(streams.order, n)
        for batch in orders[:, : n - n % batch_size].split(batch_size, 1):
            yield _take(x, batch), y.gather(1, batch)


def _gradient(ensemble, x, y, multiplier, points, streams) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient ``(E, P)`` of cross-entropy - multiplier * I, and the two, ``(E,)``; I is 0 without ``points``."""
    parameters = ensemble.parameters.requires_grad_()
    try:
        noise = streams.normal(streams.noise, y.shape[1], ensemble.sizes[-2])
        logits, codes, _ = ensemble.forward(x, noise)
        loss = _cross_entropy(logits, y).mean(1)
        information = torch.zeros_like(loss) if points is None else _batch_information(codes, points, streams)
        # Row e of the parameters enters the e-th loss only, so the sum has every model's own gradient.
        (gradient,) = torch.autograd.grad((loss - multiplier * information).sum(), parameters)
    finally:
        parameters.requires_grad_(False)
    return gradient, loss.detach(), information.detach()


def _batch_information(codes: GaussianCodes, points: int, streams: _Streams) -> Tensor:
    """I(X;Z) on at most so many samples of the batch, from a second draw of the codes; nats, ``(E,)``."""
    if codes.mean.shape[1] > points:
        chosen = streams.orders(streams.points, codes.mean.shape[1])[:, :points]
        codes = GaussianCodes(_take(codes.mean, chosen), _take(codes.std, chosen))
    # The estimate is computed in double precision, whatever the models are kept in: single precision would miss I by
    # hundreds of nats, and its gradient altogether, where codes lie thousands of standard deviations apart.
    noise = streams.normal(streams.second_noise, *codes.mean.shape[1:])
    return encoder_information(codes, "mc", z=codes.mean + codes.std * noise)


def _take(values: Tensor, index: Tensor) -> Tensor:
    """Rows ``index (E, B)`` of ``values (E, N, D)``."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[2]))


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Nats, shape ``(E, N)``."""
    return F.cross_entropy(logits.transpose(1, 2), y, reduction="none")


def _swag_recorder(swag_from: int | None, rank: int, steps: int, epoch: int) -> SwagRecorder | None:
    if swag_from is None:
        return None
    if swag_from < 0 or steps // epoch - swag_from // epoch < 2:
        raise ValueError(f"swag_from is {swag_from}; expected >= 0 and two ends of epochs from there to step {steps}")
    return SwagRecorder(rank)


def _per_model(ensemble: StochasticEncoderEnsemble, **settings: PerModel) -> list[Tensor]:
    """Each setting as ``(E,)`` numbers >= 0."""
    found = []
    for name, value in settings.items():
        values = torch.as_tensor(value, dtype=torch.float64).to(ensemble.parameters)
        if values.shape not in ((), (ensemble.n_models,)) or not ((values >= 0) & torch.isfinite(values)).all():
            raise ValueError(f"{name} is {value}; expected one finite number >= 0, or {ensemble.n_models} of them")
        found.append(values.expand(ensemble.n_models))
    return found


def _require_finite(loss: Tensor, information: Tensor, length: Tensor, step: int) -> None:
    bad = (~torch.isfinite(torch.stack([loss, information, length])).all(0)).nonzero().flatten().tolist()
    if bad:
        raise FloatingPointError(f"the loss of models {bad} is not finite at step {step}; try a smaller lr")


def _require_settings(steps, lr, momentum, points, clip, batch_size, n) -> None:
    if steps < 1 or not 0 < lr < math.inf or not 0 <= momentum < 1 or not 0 < clip < math.inf:
        values = f"{steps}, {lr}, {momentum}, {clip}"
        raise ValueError(f"steps, lr, momentum, clip are {values}; expected >= 1, > 0, in [0, 1), > 0, all finite")
    if points < 2 or not 1 <= batch_size <= n:
        raise ValueError(f"information_points, batch_size are {points}, {batch_size}; expected >= 2, in 1 .. {n}")


def _fitting_data(ensemble: StochasticEncoderEnsemble, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """``x (E, N, d_in)`` and ``y (E, N)`` on the ensemble's device, or an error."""
    x, classes = ensemble.inputs(x), ensemble.sizes[-1]
    models, n = x.shape[:2]
    if y.dtype != torch.int64:
        raise TypeError(f"y has dtype {y.dtype}; expected int64 labels")
    if y.shape not in ((n,), (models, n)):
        raise ValueError(f"y has shape {tuple(y.shape)}; expected ({n},) or ({models}, {n})")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"y holds labels {y.min()} .. {y.max()}; expected 0 .. {classes - 1}")
    return x, y.to(x.device).expand(models, n)
