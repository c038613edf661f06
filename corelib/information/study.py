"""Train an ensemble and measure its information planes on the way: one call, one experiment.

Sweeps over activations or penalties are joblib jobs of this call: on one machine by default, on a cluster by choosing
joblib's backend. Planes are in nats inside and carry the settings of the run.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from corelib.datasets import Dataset, Split, train_test_split
from corelib.information.estimators import AdaptiveBins, PlaneEstimator
from corelib.information.plane import InformationPlane, PlaneRecorder
from corelib.jobs import run_jobs
from corelib.training import MLPEnsemble, TrainingTrace, log_spaced_epochs, train_ensemble

#: Hidden layers of the network in Shwartz-Ziv and Tishby (2017) and in every paper that answered it.
SZT_HIDDEN = (10, 7, 5, 4, 3)


@dataclass(frozen=True)
class StudySettings:
    """What is trained and how; the defaults are those of the released code.

    Attributes:
        activation: name in ``corelib.training.ACTIVATIONS``.
        hidden: widths of the hidden layers.
        n_models: random initialisations trained at once.
        epochs: passes over the training part.
        lr: learning rate of Adam.
        batch_size: samples a step.
        l2: lambda of the penalty on hidden weights.
        snapshots: number of log-spaced snapshots.
        split: "shuffled" or "counting".
        seed: seeds initial weights and the split.
    """

    activation: str = "tanh"
    hidden: tuple[int, ...] = SZT_HIDDEN
    n_models: int = 8
    epochs: int = 8000
    lr: float = 4e-4
    batch_size: int = 512
    l2: float = 0.0
    snapshots: int = 20
    split: str = "shuffled"
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """A finished run.

    Attributes:
        settings: what was run.
        planes: information planes by the estimators' names.
        trace: loss and accuracy at the snapshots.
        largest_activity: largest absolute activity, shape ``(T, M, L)``.
        seconds: wall time.
    """

    settings: StudySettings
    planes: dict[str, InformationPlane]
    trace: TrainingTrace
    largest_activity: np.ndarray
    seconds: float = field(compare=False)

    @property
    def plane(self) -> InformationPlane:
        """The first plane (the only one, unless several estimators were asked for)."""
        return next(iter(self.planes.values()))

    @property
    def alive(self) -> np.ndarray:
        """Which models learned at all, bool ``(M,)``; dead ReLU networks fake compression."""
        return ~np.asarray(self.trace.dead(), dtype=bool)

    @property
    def test_accuracy(self) -> np.ndarray:
        """Final test accuracy, shape ``(M,)``."""
        return np.asarray(self.trace.test_accuracy)[-1]


def run_study(
    data: Dataset,
    settings: StudySettings,
    estimators: dict[str, PlaneEstimator | Sequence[PlaneEstimator]] | None = None,
    *,
    samples: torch.Tensor | None = None,
    keep: dict[int, list[torch.Tensor]] | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Study:
    """Train ``settings.n_models`` networks at once and measure their planes.

    Args:
        data: the task.
        settings: what to train and how.
        estimators: rulers by name; EBAB with 30 bins and each layer's floor when not given.
        samples: indices to measure on, when not all.
        keep: a dictionary to fill with epoch -> activity, for figures of single layers (costs memory).
        device: where to train and measure, "cpu" or "cuda".
        progress: show a progress bar.

    Returns:
        A :class:`Study`.

    Raises:
        ValueError: settings that the ensemble or an estimator refuses.
    """
    began = time.perf_counter()
    sizes = (data.x.shape[1], *settings.hidden, data.n_classes)
    ensemble = MLPEnsemble(settings.n_models, sizes, settings.activation, seed=settings.seed, device=device)
    split: Split = train_test_split(len(data), mode=settings.split, seed=settings.seed)
    rulers = estimators or {"EBAB": [AdaptiveBins(30, floor) for floor in ensemble.floors]}
    meta = {"activation": settings.activation, "l2": settings.l2, "seed": settings.seed, "epochs": settings.epochs}
    recorder = PlaneRecorder(data.y, rulers, layers=ensemble.layer_names, samples=samples, meta=meta)
    largest: list[np.ndarray] = []

    def snapshot(epoch: int, activity: list[torch.Tensor]) -> None:
        largest.append(torch.stack([h.abs().amax((1, 2)) for h in activity], -1).cpu().numpy())
        if keep is not None:
            keep[epoch] = [h.clone() for h in activity]
        recorder(epoch, activity)

    trace = train_ensemble(
        ensemble,
        data.x,
        data.y,
        split,
        epochs=settings.epochs,
        lr=settings.lr,
        batch_size=settings.batch_size,
        l2=settings.l2,
        snapshots=log_spaced_epochs(settings.epochs, settings.snapshots),
        callback=snapshot,
        progress=progress,
    )
    planes = {name: recorder.plane(name) for name in rulers}
    return Study(settings, planes, trace, np.stack(largest), time.perf_counter() - began)


def run_studies(
    data: Dataset, settings: dict[str, StudySettings], *, n_jobs: int = 1, progress: bool = True, **options
) -> dict[str, Study]:
    """Run several studies as joblib jobs, one thread each.

    Args:
        data: the task.
        settings: name to settings.
        n_jobs: jobs at once; 1 runs them in this process.
        progress: show a bar over the studies.
        options: passed on to :func:`run_study`.

    Returns:
        Name to :class:`Study`, in the order given.
    """
    calls = {name: partial(run_study, data, s, progress=False, **options) for name, s in settings.items()}
    return run_jobs(calls, n_jobs=n_jobs, progress=progress)
