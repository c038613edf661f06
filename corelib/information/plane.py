"""Information planes: I(X;T) and I(Y;T) of every layer of many models through training.

A :class:`PlaneRecorder` measures activity inside the training callback, because storing it costs half a megabyte per
model and epoch; what it leaves behind is an :class:`InformationPlane`, a few kilobytes. Nats inside, bits by name.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corelib.information.compression import compression_score
from corelib.information.estimate import PlaneEstimate
from corelib.information.estimators import PlaneEstimator
from corelib.information.phases import Phase, phases


@dataclass(frozen=True)
class InformationPlane:
    """The trajectory of every layer of every model, with the ruler it was measured by.

    Attributes:
        epochs: snapshot epochs, shape ``(T,)``.
        ixt: estimates of I(X;T), shape ``(T, M, L)``, nats.
        iyt: estimates of I(Y;T), shape ``(T, M, L)``, nats.
        layers: names of the L layers.
        estimator: the ruler in words; a plane without one is refused.
        n_samples: N; no estimate of I(X;T) from N samples exceeds ln N.
        label_entropy: H(Y) of the sample in nats, the ceiling of I(Y;T).
        meta: anything else worth keeping (activation, seed, ...); JSON values.
        ixt_stderr: standard errors of ``ixt``, shape ``(T, M, L)``, nats; None where the estimator has none.
        iyt_stderr: the same of ``iyt``.
        ixt_permuted: I(X;T) by the same estimator with the inputs permuted, where the truth is 0, shape ``(T, M, L)``,
            nats; None where no control was made.
    """

    epochs: np.ndarray
    ixt: np.ndarray
    iyt: np.ndarray
    layers: tuple[str, ...]
    estimator: str
    n_samples: int
    label_entropy: float
    meta: dict = field(default_factory=dict)
    ixt_stderr: np.ndarray | None = None
    iyt_stderr: np.ndarray | None = None
    ixt_permuted: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.estimator.strip():
            raise ValueError("estimator is empty; expected the ruler in words, for example 'EBAB, 30 bins'")
        expected = (len(self.epochs), self.ixt.shape[1] if self.ixt.ndim == 3 else -1, len(self.layers))
        for name, values in self._arrays().items():
            if values.shape != expected:
                raise ValueError(f"{name} has shape {values.shape}; expected (T, M, L) with T, L = {expected[::2]}")

    @property
    def ixt_bits(self) -> np.ndarray:
        """I(X;T) in bits, shape ``(T, M, L)``."""
        return self.ixt / math.log(2)

    @property
    def iyt_bits(self) -> np.ndarray:
        """I(Y;T) in bits, shape ``(T, M, L)``."""
        return self.iyt / math.log(2)

    @property
    def ixt_corrected(self) -> np.ndarray:
        """I(X;T) minus its permutation control, shape ``(T, M, L)``, nats: without the bias that independence has.

        Raises:
            ValueError: no control was made.
        """
        if self.ixt_permuted is None:
            raise ValueError("ixt_permuted is None; expected a plane whose estimator made a permutation control")
        return self.ixt - self.ixt_permuted

    def mean(self) -> "InformationPlane":
        """The average over models, as a plane of one model. Standard errors become those of the average."""

        def average(name: str, values: np.ndarray) -> np.ndarray:
            if name.endswith("stderr"):  # of samples; the spread between models is another matter
                return np.sqrt((values**2).sum(1, keepdims=True)) / values.shape[1]
            return values.mean(1, keepdims=True)

        return self._of(average)

    def select(self, models: Sequence[int] | np.ndarray) -> "InformationPlane":
        """The plane of some of the models (indices or a boolean mask, shape ``(M,)``)."""
        models = np.asarray(models)
        return self._of(lambda _name, values: values[:, models])

    def phases(self, layer: int, *, model: int = 0, corrected: bool = False, min_change: float = 0.1) -> list[Phase]:
        """Stretches of fitting and compression of one layer of one model; see :func:`phases`.

        Args:
            layer: index of the layer.
            model: index of the model.
            corrected: read I(X;T) minus its permutation control.
            min_change: least change that counts, nats.

        Raises:
            ValueError: as :func:`phases`, or ``corrected`` without a control.
        """
        ixt = self.ixt_corrected if corrected else self.ixt
        stderr = None if self.ixt_stderr is None else self.ixt_stderr[:, model, layer]
        return phases(ixt[:, model, layer], epochs=self.epochs, stderr=stderr, min_change=min_change)

    def compression(self, kind: str = "end") -> np.ndarray:
        """Compression score of every layer of every model, shape ``(M, L)``; see :func:`compression_score`."""
        return compression_score(self.ixt, kind)

    def to_records(self) -> np.ndarray:
        """One row an epoch, model and layer, in bits: a record array that ``pandas.DataFrame`` reads as it is."""
        t, m, n_layers = self.ixt.shape
        names = np.tile(np.array(self.layers), t * m)
        columns = (
            np.repeat(self.epochs, m * n_layers),
            np.tile(np.repeat(np.arange(m), n_layers), t),
            names,
            self.ixt_bits.ravel(),
            self.iyt_bits.ravel(),
        )
        return np.rec.fromarrays(columns, names="epoch,model,layer,ixt_bits,iyt_bits")

    def save(self, path: str | Path) -> None:
        """Write the plane to one ``.npz`` file.

        Raises:
            FileExistsError: a file is there already; nothing is overwritten.
        """
        path = Path(path)
        if path.exists():
            raise FileExistsError(f"path is {str(path)!r}, which exists; expected a new file")
        settings = json.dumps(
            {
                "layers": self.layers,
                "estimator": self.estimator,
                "n_samples": self.n_samples,
                "label_entropy": self.label_entropy,
                "meta": self.meta,
            }
        )
        with path.open("xb") as file:
            np.savez_compressed(file, epochs=self.epochs, settings=np.array(settings), **self._arrays())

    @classmethod
    def load(cls, path: str | Path) -> "InformationPlane":
        """Read a plane that :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            settings = json.loads(str(file["settings"]))
            settings["layers"] = tuple(settings["layers"])
            return cls(**{name: file[name] for name in file.files if name != "settings"}, **settings)

    def plot(self, **options):
        """Draw the plane; see :func:`corelib.information.plots.plot_plane`. Returns ``fig, ax``."""
        from corelib.information.plots import plot_plane

        return plot_plane(self, **options)

    def _arrays(self) -> dict[str, np.ndarray]:
        """The arrays ``(T, M, L)`` that this plane has, by name."""
        found = {name: getattr(self, name) for name in ("ixt", "iyt", "ixt_stderr", "iyt_stderr", "ixt_permuted")}
        return {name: values for name, values in found.items() if values is not None}

    def _of(self, change: Callable[[str, np.ndarray], np.ndarray]) -> "InformationPlane":
        return replace(self, **{name: change(name, values) for name, values in self._arrays().items()})


class PlaneRecorder:
    """A training callback that measures each snapshot with every ruler it was given.

    >>> recorder = PlaneRecorder(y, {"EBAB": AdaptiveBins(), "aKDE": KernelDensity()})
    >>> train_ensemble(..., callback=recorder)
    >>> recorder.plane("EBAB").plot()

    Args:
        y: labels, shape ``(N,)``, integers.
        estimators: name to estimator, or to one estimator a layer (layers may need different floors).
        layers: names of the layers; ``layer 1 .. layer L`` when not given.
        samples: indices of the samples to measure on, when not all. Estimates from different numbers of samples are
            not comparable: the ceiling of I(X;T) is ln N.

    Raises:
        ValueError: no estimator, a label vector that is not 1-D, or (at a snapshot) counts that do not fit.
    """

    def __init__(
        self,
        y: Tensor,
        estimators: dict[str, PlaneEstimator | Sequence[PlaneEstimator]],
        *,
        layers: Sequence[str] | None = None,
        samples: Tensor | None = None,
        meta: dict | None = None,
    ):
        if not estimators:
            raise ValueError("estimators is empty; expected at least one, for example {'EBAB': AdaptiveBins()}")
        if y.ndim != 1:
            raise ValueError(f"y has shape {tuple(y.shape)}; expected (N,), one label a sample")
        self.samples = samples
        self.y = y if samples is None else y[samples]
        self.estimators = estimators
        self.layers = layers
        self.meta = dict(meta or {})
        self._epochs: list[int] = []
        self._points: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in estimators}

    def __call__(self, epoch: int, activity: Sequence[Tensor]) -> None:
        """Measure one snapshot: ``activity`` holds one tensor ``(M, N, D)`` a layer."""
        if self._epochs and len(activity) != self._points[next(iter(self.estimators))][0]["ixt"].shape[1]:
            raise ValueError(f"activity has {len(activity)} layers; the first snapshot had another number")
        activity = [h.detach() if self.samples is None else h.detach()[:, self.samples] for h in activity]
        for name, estimator in self.estimators.items():
            each = estimator if isinstance(estimator, Sequence) else [estimator] * len(activity)
            if len(each) != len(activity):
                raise ValueError(f"estimators[{name!r}] has {len(each)} entries; expected {len(activity)}, one a layer")
            found = [ruler.estimate(h, self.y) for ruler, h in zip(each, activity, strict=True)]
            self._points[name].append(_of_layers(found))
        self._epochs.append(int(epoch))

    def plane(self, name: str | None = None) -> InformationPlane:
        """The plane measured by the estimator called ``name`` (may be left out when there is one only)."""
        if name is None and len(self.estimators) == 1:
            name = next(iter(self.estimators))
        if name not in self.estimators:
            raise ValueError(f"name is {name!r}; expected one of {sorted(self.estimators)}")
        if not self._epochs:
            raise ValueError("nothing was recorded; call the recorder with an epoch and its activity first")
        arrays = {key: np.stack([point[key] for point in self._points[name]]) for key in self._points[name][0]}
        layers = self.layers or [f"layer {i + 1}" for i in range(arrays["ixt"].shape[2])]
        counts = torch.unique(self.y, return_counts=True)[1].double() / len(self.y)
        return InformationPlane(
            epochs=np.array(self._epochs),
            layers=tuple(layers),
            estimator=self._describe(name),
            n_samples=len(self.y),
            label_entropy=float(-(counts * counts.log()).sum()),
            meta=self.meta,
            **arrays,
        )

    def _describe(self, name: str) -> str:
        estimator = self.estimators[name]
        if not isinstance(estimator, Sequence):
            return str(estimator)
        return "; ".join(dict.fromkeys(str(e) for e in estimator))


def _of_layers(found: list[PlaneEstimate]) -> dict[str, np.ndarray]:
    """What the layers' estimates all have, by name, each ``(M, L)``."""
    names = ("ixt", "iyt", "ixt_stderr", "iyt_stderr", "ixt_permuted")
    known = [name for name in names if all(getattr(layer, name) is not None for layer in found)]
    return {name: torch.stack([getattr(layer, name) for layer in found], -1).cpu().numpy() for name in known}
