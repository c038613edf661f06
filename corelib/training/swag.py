"""SWAG: a Gaussian around the end of training, from the path that gradient descent takes there."""

from collections import deque

import torch
from torch import Tensor

from corelib.information.generalization.model_information import LowRankGaussian


class SwagRecorder:
    """Collects parameters of E models along training and turns each model's path into a Gaussian.

    Kept are the running mean, the running mean of squares around it, and the last K deviations from the mean as it was
    when they were taken. The Gaussian has covariance diag(variance + jitter) + D D^T / (K - 1), with the K deviations
    as columns of D, for density and draws alike.

    Args:
        rank: K, >= 2.
        jitter: added to every variance, > 0.

    Raises:
        ValueError: ``rank < 2`` or ``jitter <= 0``.

    Source: Maddox et al. (2019), without its factors 1/2; Kawaguchi et al. (2023), released code, which scales the
    deviations in its draws but neither scales nor keeps the sign of them in its density.
    """

    def __init__(self, rank: int = 10, *, jitter: float = 1e-6):
        if rank < 2:
            raise ValueError(f"rank is {rank}; expected an integer >= 2")
        if not jitter > 0:
            raise ValueError(f"jitter is {jitter}; expected a number > 0")
        self.rank, self.jitter, self.n_updates = rank, jitter, 0
        self._deviations: deque[Tensor] = deque(maxlen=rank)

    def update(self, parameters: Tensor) -> None:
        """Take in the parameters as they are now, one row a model, shape ``(E, P)``.

        Raises:
            ValueError: another shape than before, or NaN or infinite parameters.
        """
        if parameters.ndim != 2 or (self.n_updates and parameters.shape != self._mean.shape):
            expected = tuple(self._mean.shape) if self.n_updates else "(E, P)"
            raise ValueError(f"parameters has shape {tuple(parameters.shape)}; expected {expected}")
        if not torch.isfinite(parameters).all():
            raise ValueError("parameters holds NaN or infinite values; expected finite numbers")
        theta = parameters.detach().double()
        if self.n_updates == 0:
            self._mean, self._squares = torch.zeros_like(theta), torch.zeros_like(theta)
        self.n_updates += 1
        # Welford's update: E[theta^2] - mean^2 would lose the tiny variances of the end of training.
        before = theta - self._mean
        self._mean += before / self.n_updates
        after = theta - self._mean
        self._squares += before * after
        self._deviations.append(after.to(parameters.dtype))

    def posteriors(self) -> list[LowRankGaussian]:
        """One Gaussian a model, from what was taken in so far; their rank is K, or the number of updates if smaller.

        Raises:
            ValueError: fewer than two updates.
        """
        kept = len(self._deviations)
        if kept < 2:
            raise ValueError(f"{kept} parameter vectors were taken in; expected at least 2")
        factors = torch.stack(list(self._deviations), dim=2).double() / (kept - 1) ** 0.5  # (E, P, K)
        variances = self._squares / self.n_updates + self.jitter
        return [LowRankGaussian(*parts) for parts in zip(self._mean.clone(), variances, factors, strict=True)]
