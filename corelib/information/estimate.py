"""One result for every estimator of an information-plane point, in nats."""

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class PlaneEstimate:
    """Information-plane coordinates of R layers measured at once.

    Attributes:
        ixt: estimate of I(X;T), shape ``(R,)``, nats, float64.
        iyt: estimate of I(Y;T), shape ``(R,)``, nats, float64.
        settings: the estimator and its settings in words, so that no number travels without its ruler.
    """

    ixt: Tensor
    iyt: Tensor
    settings: str

    @property
    def ixt_bits(self) -> Tensor:
        """I(X;T) in bits, shape ``(R,)``."""
        return self.ixt / math.log(2)

    @property
    def iyt_bits(self) -> Tensor:
        """I(Y;T) in bits, shape ``(R,)``."""
        return self.iyt / math.log(2)
