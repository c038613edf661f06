"""What estimators return: one mutual information with its error, or a point of an information plane."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri
from torch import Tensor

UNITS = {"nats": 1.0, "bits": math.log(2)}


@dataclass(frozen=True)
class MIEstimate:
    """An estimate of one mutual information, with the ruler it was measured by.

    Attributes:
        value: the estimate, in ``units``. Never clipped: it may be negative where the truth is near 0.
        stderr: standard error of ``value`` from sampling alone, in ``units``; NaN where the estimator has none. It
            does not cover bias, which for nearest neighbours in several dimensions is often larger.
        n: number of samples.
        settings: the estimator and its settings in words.
        local: what each sample adds, shape ``(N,)``, in ``units``; its mean is ``value``. None where there is none.
        permuted: the same estimator after the pairing was destroyed by a permutation; the truth there is 0.
        units: "nats" or "bits".
    """

    value: float
    stderr: float
    n: int
    settings: str
    local: np.ndarray | None = None
    permuted: float | None = None
    units: str = "nats"

    def __post_init__(self) -> None:
        if self.units not in UNITS:
            raise ValueError(f"units is {self.units!r}; expected 'nats' or 'bits'")
        if not self.settings.strip():
            raise ValueError("settings is empty; expected the estimator in words, for example 'KSG1, k = 3'")

    @property
    def corrected(self) -> float:
        """``value`` minus the permutation control.

        A heuristic: an estimator's bias on dependent samples need not be its bias on independent ones.

        Raises:
            ValueError: no control was computed.
        """
        if self.permuted is None:
            raise ValueError("permuted is None; expected an estimate made with control='permute'")
        return self.value - self.permuted

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval from the standard error: sampling error only, no bias.

        Args:
            level: coverage, in (0, 1).

        Raises:
            ValueError: a level outside (0, 1).
        """
        if not 0 < level < 1:
            raise ValueError(f"level is {level}; expected a number between 0 and 1")
        half = float(ndtri(0.5 + level / 2)) * self.stderr
        return self.value - half, self.value + half

    def to(self, units: str) -> "MIEstimate":
        """The same estimate in other units.

        Args:
            units: "nats" or "bits".

        Raises:
            ValueError: unknown units.
        """
        if units not in UNITS:
            raise ValueError(f"units is {units!r}; expected 'nats' or 'bits'")
        factor = UNITS[self.units] / UNITS[units]
        return replace(
            self,
            value=self.value * factor,
            stderr=self.stderr * factor,
            local=None if self.local is None else self.local * factor,
            permuted=None if self.permuted is None else self.permuted * factor,
            units=units,
        )

    def __str__(self) -> str:
        error = "" if math.isnan(self.stderr) else f" ± {self.stderr:.4f}"
        control = "" if self.permuted is None else f"; permuted {self.permuted:.4f}"
        return f"{self.value:.4f}{error} {self.units} ({self.settings}, N = {self.n}{control})"


def from_local(local: np.ndarray, settings: str) -> MIEstimate:
    """The estimate whose samples contribute ``local``, shape ``(N,)``, nats: their mean, and its standard error."""
    n = len(local)
    stderr = float(local.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return MIEstimate(float(local.mean()), stderr, n, settings, local)


@dataclass(frozen=True)
class PlaneEstimate:
    """Information-plane coordinates of R layers measured at once.

    Attributes:
        ixt: estimate of I(X;T), shape ``(R,)``, nats, float64.
        iyt: estimate of I(Y;T), shape ``(R,)``, nats, float64.
        settings: the estimator and its settings in words, so that no number travels without its ruler.
        ixt_stderr: standard error of ``ixt``, shape ``(R,)``, nats; None where the estimator has none.
        iyt_stderr: standard error of ``iyt``, likewise.
        ixt_permuted: I(X;T) with the inputs permuted, where the truth is 0, shape ``(R,)``, nats; None without control.
    """

    ixt: Tensor
    iyt: Tensor
    settings: str
    ixt_stderr: Tensor | None = None
    iyt_stderr: Tensor | None = None
    ixt_permuted: Tensor | None = None

    @property
    def ixt_bits(self) -> Tensor:
        """I(X;T) in bits, shape ``(R,)``."""
        return self.ixt / math.log(2)

    @property
    def iyt_bits(self) -> Tensor:
        """I(Y;T) in bits, shape ``(R,)``."""
        return self.iyt / math.log(2)
