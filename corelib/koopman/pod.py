"""Proper orthogonal decomposition: the directions in which snapshots vary most, as coordinates for models."""

from dataclasses import dataclass

import torch
from torch import Tensor

from corelib.koopman.operators import require_count


@dataclass(frozen=True, eq=False)
class POD:
    """Orthonormal modes, strongest first, and the scale of their coefficients.

    Coefficients are scaled so that their mean square, over r of them, is the mean square of the projected state over
    its n entries: an error means the same in both.

    Attributes:
        modes: shape ``(n, r)``, orthonormal columns, float64.
        energy: squared singular values of the snapshots over their sum, all of them, descending.
    """

    modes: Tensor
    energy: Tensor

    @property
    def scale(self) -> float:
        """sqrt(r / n), the factor in front of coefficients."""
        n, r = self.modes.shape
        return (r / n) ** 0.5

    def project(self, x: Tensor) -> Tensor:
        """Coefficients ``(..., r)``, float64, of states ``(..., n)``."""
        return x.double() @ self.modes * self.scale

    def lift(self, c: Tensor) -> Tensor:
        """States ``(..., n)``, float64, of coefficients ``(..., r)``."""
        return c.double() @ self.modes.T / self.scale


def fit_pod(x: Tensor, rank: int) -> POD:
    """The leading POD modes of snapshots, which are not centred: a mean flow is the first mode, with eigenvalue 1 of K.

    Args:
        x: snapshots, shape ``(N, n)``.
        rank: number of modes r, 1 .. min(N, n).

    Returns:
        A :class:`POD`.

    Raises:
        ValueError: another shape, values that are not finite, snapshots that are all zero, or a rank out of range.
        TypeError: ``rank`` not an integer.

    Source: Sirovich (1987); the singular value decomposition of the snapshots.
    """
    if x.ndim != 2 or 0 in x.shape or not bool(torch.isfinite(x).all()):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected finite values (N, n)")
    require_count("rank", rank)
    if rank > min(x.shape):
        raise ValueError(f"rank is {rank}; expected at most {min(x.shape)}, the smaller side of x")
    _, s, vh = torch.linalg.svd(x.double(), full_matrices=False)
    if s[0] == 0:
        raise ValueError("x is zero throughout; expected snapshots with energy")
    return POD(vh[:rank].T.contiguous(), (s / s[0]) ** 2 / ((s / s[0]) ** 2).sum())
