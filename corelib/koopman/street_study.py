"""Forecasts of a vortex street by latent operators: which information terms, and which fit of K, help and which hurt.

Models see POD coefficients of three simulated runs and forecast a fourth from two kinds of start: "transient", while
vortices still form, and "saturated", on the limit cycle. Errors are root mean squares over the whole field, in units
of each velocity component's standard deviation over the training runs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from corelib.jobs import run_jobs
from corelib.koopman.autoencoders import KoopmanAE, ResidualEncoder, forecast, mlp
from corelib.koopman.dmd import dmd
from corelib.koopman.information_loss import InformationLoss
from corelib.koopman.lattice_boltzmann import Flow, vortex_street
from corelib.koopman.operators import require_count
from corelib.koopman.pod import POD, fit_pod
from corelib.koopman.spectra import effective_dimension
from corelib.koopman.training import History, fit_koopman, sliding_windows

#: Amplitude and phase of the first disturbance: three runs to train on, then the one to forecast.
RUNS = ((0.05, 0.0), (0.2, 1.0), (0.02, 2.5), (0.1, 4.0))
#: Frames at which forecasts start.
STARTS: Mapping[str, tuple[int, ...]] = {
    "transient": tuple(range(10, 56, 5)),
    "saturated": tuple(range(130, 185, 6)),
}
HORIZON, WINDOW, LATENTS, WIDTH = 50, 17, 32, 128


@dataclass(frozen=True, eq=False)
class StreetData:
    """Standardised fields of the street and their POD coefficients.

    Attributes:
        train: coefficients of the training runs, shape ``(3, T, r)``, float32.
        test: coefficients of the run to forecast, shape ``(T, r)``, float32.
        truth: fields of that run, shape ``(T, n)``, float64, in standard deviations.
        pod: modes of the training runs.
        spread: standard deviation of each velocity component over the training runs, units of the inflow, ``(2,)``.
        shape: of a field, (2, rows, columns).
        frame_time: time between frames, diameters / inflow.
    """

    train: Tensor
    test: Tensor
    truth: Tensor
    pod: POD
    spread: Tensor
    shape: tuple[int, int, int]
    frame_time: float

    @property
    def truncation(self) -> float:
        """Error of the truth's own projection on the modes, below which no forecast can go."""
        return (self.pod.lift(self.pod.project(self.truth)) - self.truth).square().mean().sqrt().item()

    def velocity(self, fields: Tensor) -> Tensor:
        """Velocities ``(..., 2, rows, columns)``, units of the inflow, less the mean, of fields ``(..., n)``."""
        return fields.unflatten(-1, self.shape) * self.spread[:, None, None]


@dataclass(frozen=True, kw_only=True)
class StreetSetting:
    """A latent model of the street.

    Attributes:
        loss: what is minimised.
        operator: how K is fitted, see :class:`~corelib.koopman.autoencoders.KoopmanAE`.
        residual: whether the encoder is the POD projection plus a network, instead of a network alone.
    """

    loss: InformationLoss = field(default_factory=InformationLoss)
    operator: str = "least_squares"
    residual: bool = False


def _released(**options) -> InformationLoss:
    """The released weights, which there stand against errors summed over 16 steps, and its sign of the entropy."""
    return InformationLoss(gamma=0.1 / 16, entropy="penalised_as_released", **options)


#: Which information terms, which fit of K, which encoder.
STREET_SETTINGS: Mapping[str, StreetSetting] = {
    "no terms": StreetSetting(),
    "MI": StreetSetting(loss=InformationLoss(alpha=2 / 16)),
    "entropy": StreetSetting(loss=InformationLoss(gamma=0.03)),
    "MI + entropy": StreetSetting(loss=InformationLoss(alpha=2 / 16, gamma=0.03)),
    "entropy, wrong sign": StreetSetting(loss=_released()),
    "K averaged": StreetSetting(operator="window_mean"),
    "K averaged, entropy": StreetSetting(loss=InformationLoss(gamma=0.03), operator="window_mean"),
    "as released": StreetSetting(loss=_released(alpha=2 / 16, identity_weight=0.1), operator="window_mean"),
    "K trained": StreetSetting(loss=InformationLoss(beta=1.0), operator="parameter"),
    "residual": StreetSetting(residual=True),
    "residual, entropy": StreetSetting(loss=InformationLoss(gamma=0.03), residual=True),
}


@dataclass(frozen=True, eq=False)
class StreetRun:
    """A trained model and its forecasts.

    Attributes:
        model: the model, on POD coefficients.
        history: of its training.
        errors: by mode of the forecast ("latent", "reencode") and kind of start, the error at horizons 1 .. 50, arrays
            of shape ``(50,)``; infinite throughout if a forecast of this kind overflows.
        effective_dimension: e^S of the latents of all training windows, between 1 and d.
    """

    model: KoopmanAE
    history: History
    errors: dict[str, dict[str, np.ndarray]]
    effective_dimension: float


def street_data(flows: Iterable[Flow], *, rank: int = 64) -> StreetData:
    """Standardise flows by the training runs' mean and spread of each velocity component, and project them.

    Args:
        flows: at least two flows on one grid, as :func:`street_flows` simulates them; the last is the one to forecast.
        rank: POD modes, >= 1.

    Returns:
        A :class:`StreetData`.

    Raises:
        ValueError: fewer than two flows, flows of different shapes or not finite, a velocity component that does not
            vary, or a rank out of range.
        TypeError: ``rank`` not an integer.
    """
    flows = list(flows)
    if len(flows) < 2 or len({flow.velocity.shape for flow in flows}) > 1:
        raise ValueError(f"flows has {len(flows)} entries; expected at least two, with velocities of one shape")
    fields = torch.stack([flow.velocity for flow in flows])
    if not bool(torch.isfinite(fields).all()):
        raise ValueError("flows holds NaN or infinite velocities; expected finite numbers")
    mean = fields[:-1].mean((0, 1, 3, 4))[:, None, None]
    spread = (fields[:-1] - mean).square().mean((0, 1, 3, 4)).sqrt()[:, None, None]
    if not bool((spread > 0).all()):
        raise ValueError(f"flows has components of spread {spread.flatten().tolist()}; expected velocities that vary")
    x = ((fields - mean) / spread).flatten(2)
    pod = fit_pod(x[:-1].flatten(0, 1), rank)
    c = pod.project(x).float()
    return StreetData(c[:-1], c[-1], x[-1], pod, spread.flatten(), tuple(fields.shape[2:]), flows[0].frame_time)


def street_flows(n_steps: int = 4000) -> list[Flow]:
    """The four runs of the study at Reynolds number 100, a frame every 16 of ``n_steps`` steps."""
    return [vortex_street(n_steps, amplitude=amplitude, phase=phase) for amplitude, phase in RUNS]


def street_errors(data: StreetData, predict: Callable[[Tensor], Tensor]) -> dict[str, np.ndarray]:
    """Errors of forecasts at horizons 1 .. 50, for each kind of start.

    Args:
        data: with enough frames for all starts.
        predict: maps coefficients at the starts, shape ``(S, r)``, to those of the next 50 frames, ``(S, 50, r)``;
            infinite where a forecast overflows.

    Returns:
        Kind of start to errors, shape ``(50,)``; infinite at horizons where a forecast is not finite.

    Raises:
        ValueError: too few frames, or forecasts of another shape.
    """
    _require_frames(data)
    errors = {}
    for kind, frames in STARTS.items():
        truth = torch.stack([data.truth[i + 1 : i + 1 + HORIZON] for i in frames])
        predicted = data.pod.lift(predict(data.test[list(frames)]))
        if predicted.shape != truth.shape:
            raise ValueError(f"predict gives fields of shape {tuple(predicted.shape)}; expected {tuple(truth.shape)}")
        # Modes of both signs turn infinite coefficients into NaN.
        error = (predicted - truth).square().mean((0, 2)).sqrt().nan_to_num(nan=float("inf"), posinf=float("inf"))
        errors[kind] = error.numpy()
    return errors


def street_dmd_errors(data: StreetData, rank: int) -> dict[str, np.ndarray]:
    """Errors of dynamic mode decomposition on the same coefficients, by kind of start."""
    before, after = data.train[:, :-1].flatten(0, 1).double(), data.train[:, 1:].flatten(0, 1).double()
    model = dmd(before, after, rank=rank)
    return street_errors(data, lambda c: model.predict(c.double(), HORIZON))


def train_street(
    data: StreetData,
    setting: StreetSetting,
    *,
    steps: int = 600,
    seed: int = 0,
    snapshots: Iterable[int] = (),
    progress: bool = True,
) -> StreetRun:
    """Train a Koopman autoencoder with 32 latents on windows of 17 frames, and score its forecasts.

    Args:
        data: coefficients to train on, and the run to forecast.
        setting: the model.
        steps: minibatches of 16 windows, >= 1.
        seed: of weights and minibatches.
        snapshots: steps after which the spectrum of the latents is kept.
        progress: show a progress bar.

    Returns:
        A :class:`StreetRun`.

    Raises:
        ValueError: ``steps < 1``, too few frames, or a setting or snapshot that does not exist.
        TypeError: ``steps`` not an integer.

    Source: Cheng et al. (2026), arXiv:2510.13025, algorithm 2 and section 4; data, network and sizes are ours.
    """
    require_count("steps", steps)
    _require_frames(data)
    rank = data.train.shape[-1]
    generator = torch.Generator().manual_seed(seed)
    encoder = mlp([rank, WIDTH, WIDTH, LATENTS], generator=generator)
    if setting.residual:
        encoder = _residual(encoder, rank)
    decoder = mlp([LATENTS, WIDTH, WIDTH, rank], generator=generator)
    model = KoopmanAE(encoder, decoder, LATENTS, operator=setting.operator)
    windows = sliding_windows(data.train, WINDOW)
    history = fit_koopman(model, windows, setting.loss, steps=steps, seed=seed, snapshots=snapshots, progress=progress)
    with torch.no_grad():
        spread = effective_dimension(model.encode(windows)).item()
    errors = {mode: street_errors(data, partial(_forecast, model, mode)) for mode in ("latent", "reencode")}
    return StreetRun(model, history, errors, spread)


def street_sweep(
    data: StreetData,
    settings: Mapping[str, StreetSetting],
    *,
    seeds: Iterable[int],
    n_jobs: int = 1,
    progress: bool = True,
    **options,
) -> dict[str, list[StreetRun]]:
    """Train every setting with every seed, as joblib jobs.

    Args:
        data: as for :func:`train_street`.
        settings: name to setting.
        seeds: one run each.
        n_jobs: jobs at once.
        progress: show a bar over the runs.
        options: passed on to :func:`train_street`.

    Returns:
        Name to runs, in the order of the seeds.
    """
    seeds = list(seeds)
    calls = {
        (name, seed): partial(train_street, data, setting, seed=seed, progress=False, **options)
        for name, setting in settings.items()
        for seed in seeds
    }
    runs = run_jobs(calls, n_jobs=n_jobs, progress=progress)
    return {name: [runs[name, seed] for seed in seeds] for name in settings}


def _require_frames(data: StreetData) -> None:
    needed = max(max(frames) for frames in STARTS.values()) + HORIZON + 1
    if len(data.test) < needed:
        raise ValueError(f"data has {len(data.test)} frames to forecast; expected at least {needed}")


def _residual(network: torch.nn.Sequential, rank: int) -> ResidualEncoder:
    """The leading POD coefficients plus a network that starts ten times smaller than usual."""
    with torch.no_grad():
        network[-1].weight.mul_(0.1)
        network[-1].bias.zero_()
    return ResidualEncoder(torch.eye(LATENTS, rank), network)


def _forecast(model: KoopmanAE, mode: str, start: Tensor) -> Tensor:
    try:
        return forecast(model, start, HORIZON, mode=mode)
    except ValueError:  # it overflows: an error without bound, which a table can show
        return start.new_full((len(start), HORIZON, start.shape[-1]), float("inf"))
