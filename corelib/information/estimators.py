"""The rulers of an information plane behind one interface: layer activity and labels in, I(X;T) and I(Y;T) out.

An estimator is a small frozen object: its settings are its fields, ``estimate(h, y)`` measures R layers at once, and
``str(estimator)`` says what it is, so that no plane is ever drawn without naming its ruler. What each one cannot see
is stated in its docstring. All results are in nats.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from corelib.information.binning import (
    binned_information,
    coded_information,
    digitize_width,
    ebab_edges,
    fixed_edges,
)
from corelib.information.estimate import PlaneEstimate
from corelib.information.kde import adaptive_noise_variance, kde_information


class PlaneEstimator(Protocol):
    """Anything that turns activity ``(R, N, D)`` and labels ``(N,)`` into a :class:`PlaneEstimate`."""

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure R layers at once."""
        ...


@dataclass(frozen=True)
class AdaptiveBins:
    """Entropy-based adaptive binning (EBAB): each layer, at each epoch, gets bins of equally many distinct values.

    Invariant to every strictly increasing map of the whole layer, hence blind to saturation itself.

    Attributes:
        n_bins: number of bins.
        floor: smallest value an activation can take (0 for ReLU); values at the floor get a bin of their own.
            ``None``: no such bin.
    """

    n_bins: int = 30
    floor: float | None = None

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure activity ``h (R, N, D)`` against labels ``y (N,)``; nats."""
        estimate = binned_information(h, y, ebab_edges(h, self.n_bins, floor=self.floor))
        return PlaneEstimate(estimate.ixt, estimate.iyt, str(self))

    def __str__(self) -> str:
        return f"EBAB, {self.n_bins} bins" + ("" if self.floor is None else f", floor {self.floor:g}")


@dataclass(frozen=True)
class FixedBins:
    """Equal-width bins over one range for every layer and every epoch, as in the first information planes.

    The range decides what is seen: a layer far smaller than ``high`` falls into few bins. Values above ``high``
    share the top bin; values below ``low`` are refused.

    Attributes:
        low: lower end of the range, in units of activity.
        high: upper end of the range.
        n_bins: number of edges; the topmost bin is open.
    """

    low: float
    high: float
    n_bins: int = 30

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure activity ``h (R, N, D)`` against labels ``y (N,)``; nats."""
        estimate = binned_information(h, y, fixed_edges(self.low, self.high, self.n_bins).to(h))
        return PlaneEstimate(estimate.ixt, estimate.iyt, str(self))

    def __str__(self) -> str:
        return f"fixed bins, {self.n_bins} on [{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class WidthBins:
    """Bins of one fixed width without end: floor(h / width).

    Attributes:
        width: width of a bin in units of activity; 0.07 is the value of Saxe et al.'s code.
    """

    width: float = 0.07

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure activity ``h (R, N, D)`` against labels ``y (N,)``; nats."""
        estimate = coded_information(digitize_width(h, self.width), y)
        return PlaneEstimate(estimate.ixt, estimate.iyt, str(self))

    def __str__(self) -> str:
        return f"bins of width {self.width:g}"


@dataclass(frozen=True)
class KernelDensity:
    """Information about activity seen through Gaussian noise, by pairwise-distance bounds (KDE, aKDE).

    With ``scaling="std"`` or ``"variance"`` the noise follows the layer's largest activity (aKDE); with ``"fixed"`` it
    does not, and a growing layer gains information for that reason alone.

    Attributes:
        noise_variance: sigma_0 squared (activity squared, or a fraction of it when the noise is adaptive).
        scaling: "std" (noise s.d. proportional to the maximal activity; scale-invariant), "variance" or "fixed".
        bound: "upper" or "lower" bound on I(X;T).
    """

    noise_variance: float = 1e-3
    scaling: str = "std"
    bound: str = "upper"

    def __post_init__(self) -> None:
        if self.bound not in ("upper", "lower"):
            raise ValueError(f"bound is {self.bound!r}; expected 'upper' or 'lower'")

    def estimate(self, h: Tensor, y: Tensor) -> PlaneEstimate:
        """Measure activity ``h (R, N, D)`` against labels ``y (N,)``; nats."""
        bounds = kde_information(h, y, adaptive_noise_variance(h, self.noise_variance, self.scaling))
        if self.bound == "upper":
            return PlaneEstimate(bounds.ixt_upper, bounds.iyt_upper, str(self))
        return PlaneEstimate(bounds.ixt_lower, bounds.iyt_lower, str(self))

    def __str__(self) -> str:
        noise = {"fixed": "fixed", "std": "s.d. follows the layer", "variance": "variance follows the layer"}
        return f"KDE {self.bound} bound, noise {self.noise_variance:g}, {noise.get(self.scaling, self.scaling)}"
