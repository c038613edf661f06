"""Mutual information between compressed variables, for one pair or for a whole information plane. Nats."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from corelib.information.estimate import MIEstimate, PlaneEstimate
from corelib.information.lossy.compressors import PCACompressor
from corelib.information.samples import as_samples

# Settings of estimators that leave the estimate as it is: how it is computed, and which permutation its control uses.
_NO_PART_OF_THE_RULER = ("backend", "seed")

Estimator = Callable[[np.ndarray, np.ndarray], MIEstimate]


class Compressor(Protocol):
    """Anything fitted that turns samples ``(N, D)`` into codes ``(N, d')``."""

    def transform(self, x: np.ndarray | Tensor) -> np.ndarray:
        """Codes of samples."""
        ...


@dataclass(frozen=True)
class CompressedMI:
    """An estimator that compresses before it estimates: I(E_X(X); E_Y(Y)).

    What compression loses, no estimator finds again: apart from the estimator's own bias this is a lower bound on
    I(X;Y), and equal to it when both compressors are injective and smooth. Fit them on other samples than these.

    Attributes:
        compressor_x: fitted compressor of X; None leaves X as it is.
        compressor_y: fitted compressor of Y; None leaves Y as it is.
        estimator: ``(x, y) -> MIEstimate``, for example ``kl_mi``; a lambda has no name to report and is refused.

    Source: Butakov et al. (2024), section 3.
    """

    compressor_x: Compressor | None
    compressor_y: Compressor | None
    estimator: Estimator

    def __post_init__(self) -> None:
        in_words("estimator", self.estimator)

    def estimate(self, x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> MIEstimate:
        """Information between the codes of N pairs.

        Args:
            x: shape ``(N, D_x)``.
            y: shape ``(N, D_y)``.

        Returns:
            What the estimator returns, with the compressors in its settings.

        Raises:
            ValueError: as the compressors and the estimator.
        """
        codes_x = x if self.compressor_x is None else self.compressor_x.transform(x)
        codes_y = y if self.compressor_y is None else self.compressor_y.transform(y)
        found = self.estimator(codes_x, codes_y)
        return replace(found, settings=f"{found.settings}; {self._compression()}")

    __call__ = estimate

    def _compression(self) -> str:
        return f"X: {self.compressor_x or 'as it is'}, Y: {self.compressor_y or 'as it is'}"

    def __str__(self) -> str:
        return f"{in_words('estimator', self.estimator)}; {self._compression()}"


@dataclass(frozen=True, eq=False)
class CompressedPlane:
    """A ruler of information planes that sees both the input and the layers compressed.

    Each layer is compressed by principal components, which are fitted afresh at every snapshot. What PCA drops is not
    seen, and layers are compressed each in its own way, so that the data-processing inequality may seem violated.

    Attributes:
        codes: codes of the N inputs, shape ``(N, d')``, in the order of the activity.
        estimator: ``(codes, layer) -> MIEstimate`` for I(X;T), for example ``kl_mi`` or
            ``functools.partial(ksg_mi, k=5)``; a lambda has no name to report and is refused.
        label_estimator: ``(layer, labels) -> MIEstimate`` for I(Y;T), for example ``ross_mi``.
        n_components: numbers that a layer is compressed to; fewer if its activity spans fewer dimensions.

    Source: Butakov et al. (2024), section 5.
    """

    codes: np.ndarray | Tensor
    estimator: Estimator
    label_estimator: Estimator
    n_components: int = 4

    def __post_init__(self) -> None:
        as_samples("codes", self.codes)
        PCACompressor(self.n_components)  # refuses what is no number of components
        in_words("estimator", self.estimator)
        in_words("label_estimator", self.label_estimator)

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure activity ``h (R, N, D)`` against the input's codes and labels ``y (N,)``.

        A layer that does not vary holds nothing, and is reported as 0.

        Raises:
            ValueError: another number of samples than codes, or as the estimators.
        """
        if h.ndim != 3 or h.shape[1] != len(self.codes):
            raise ValueError(
                f"h has shape {tuple(h.shape)}; expected (R, N, D) with N = {len(self.codes)}, the number of codes"
            )
        codes, labels = as_samples("codes", self.codes), y.detach().cpu().numpy()
        nothing = MIEstimate(0.0, 0.0, len(codes), "constant layer", permuted=0.0)
        inputs, targets = [], []
        for row in h:
            layer = _principal_codes(as_samples("h", row), self.n_components)
            inputs.append(nothing if layer is None else self.estimator(codes, layer).to("nats"))
            targets.append(nothing if layer is None else self.label_estimator(layer, labels).to("nats"))
        permuted = None if any(f.permuted is None for f in inputs) else _column([f.permuted for f in inputs])
        return PlaneEstimate(
            ixt=_column([f.value for f in inputs]),
            iyt=_column([f.value for f in targets]),
            settings=str(self),
            ixt_stderr=_column([f.stderr for f in inputs]),
            iyt_stderr=_column([f.stderr for f in targets]),
            ixt_permuted=permuted,
        )

    def __str__(self) -> str:
        return (
            f"layers by PCA to {self.n_components} at every snapshot; "
            f"I(X;T): {in_words('estimator', self.estimator)}; "
            f"I(Y;T): {in_words('label_estimator', self.label_estimator)}"
        )


def in_words(name: str, estimator: Estimator) -> str:
    """An estimator and its settings, read off the callable itself: ``ksg_mi(k=3, variant=1, standardize=True)``.

    Args:
        name: what the caller calls the argument, for the message of an error.
        estimator: a function, a :func:`functools.partial` of one, or an object that describes itself by ``str``.

    Raises:
        TypeError: not callable.
        ValueError: a lambda.
    """
    if not callable(estimator):
        raise TypeError(f"{name} is {estimator!r}; expected a callable (x, y) -> MIEstimate")
    function = estimator.func if isinstance(estimator, partial) else estimator
    if not inspect.isroutine(function):
        return str(estimator)
    if function.__name__ == "<lambda>":
        raise ValueError(f"{name} is a lambda, which has no name to report; expected a function or functools.partial")
    settings = [
        f"{p.name}={p.default!r}"
        for p in inspect.signature(estimator).parameters.values()
        if p.default is not inspect.Parameter.empty and p.name not in _NO_PART_OF_THE_RULER
    ]
    return f"{function.__name__}({', '.join(settings)})" if settings else function.__name__


def _principal_codes(activity: np.ndarray, n_components: int) -> np.ndarray | None:
    """Leading principal coordinates of a layer, of as many dimensions as it spans; None if it does not vary."""
    if (activity == activity[0]).all():
        return None
    pca = PCACompressor(min(n_components, *activity.shape)).fit(activity)
    # Beyond the rank of the activity there is only rounding, which whitening would blow up to a full coordinate.
    spanned = int((pca.eigenvalues_ > pca.eigenvalues_[0] * 1e-12).sum())
    return pca.transform(activity)[:, :spanned]


def _column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
