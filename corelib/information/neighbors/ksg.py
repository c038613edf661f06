"""The estimators of Kraskov, Stögbauer and Grassberger: neighbours in the joint space, counts in each margin."""

import warnings

import numpy as np
from scipy.special import digamma
from torch import Tensor

from corelib.information.estimate import MIEstimate, from_local
from corelib.information.neighbors.control import with_control
from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.search import joint_neighbors
from corelib.information.samples import (
    EstimatorWarning,
    as_pair,
    require_distinct,
    require_neighbours,
    require_option,
    spread,
    warn_of_lattice,
)

_SATURATED = 0.95  # of the ceiling ψ(N) - ψ(k)


def ksg_mi(
    x: np.ndarray | Tensor,
    y: np.ndarray | Tensor,
    k: int = 3,
    *,
    variant: int = 1,
    standardize: bool = True,
    backend: str = "auto",
    control: str | None = None,
    seed: int = 0,
) -> MIEstimate:
    """Mutual information from the number of neighbours in each margin.

    Unbiased where x and y are independent; negative bias that grows with the information, with k and with the
    dimension. No estimate exceeds ψ(N) - ψ(k): towards that ceiling N would have to grow like exp(I).

    Args:
        x: samples, shape ``(N, d_x)`` or ``(N,)``, of any unit; tensors on a GPU use the Triton kernel.
        y: their partners, shape ``(N, d_y)`` or ``(N,)``.
        k: number of neighbours, 1 <= k < N. Small k: less bias, more variance.
        variant: 1 (cubes, strict counts) or 2 (boxes, counts with the border).
        standardize: subtract the mean of every column and divide by its standard deviation first.
        backend: "auto", "numba", "tree", "torch" or "triton"; all give the same counts.
        control: "permute" for the same estimate after a random permutation of y, whose truth is 0.
        seed: seed of that permutation.

    Returns:
        An :class:`MIEstimate`, nats, with local values and their standard error (sampling error, no bias).

    Raises:
        DegenerateSampleError: joint samples that coincide, so that a k-th neighbour is at distance 0.
        ValueError: shapes, NaN, k, a constant column (with ``standardize``), an unknown option.

    Warns:
        EstimatorWarning: the estimate lies within 5 % of its ceiling, or the samples lie on a lattice.

    Source: Kraskov, Stögbauer and Grassberger (2004), equations 8 (variant 1) and 9 (variant 2).
    """
    require_option("variant", variant, (1, 2))
    if backend == "auto" and isinstance(x, Tensor) and x.is_cuda:
        backend = "triton"
    x, y = as_pair(x, y)
    require_neighbours(k, len(x))
    if standardize:
        x, y = _standardized("x", x), _standardized("y", y)
    settings = f"KSG{variant}, k = {k}" + ("" if standardize else ", not standardised")

    def estimate(x: np.ndarray, y: np.ndarray) -> MIEstimate:
        return from_local(_local(x, y, k, variant, backend), settings)

    found = with_control(estimate, x, y, control, seed)
    ceiling = digamma(len(x)) - digamma(k)
    if found.value > _SATURATED * ceiling and ceiling > 0:
        warnings.warn(
            f"the estimate of {found.value:.3f} nats lies within 5 % of {ceiling:.3f}, the largest that KSG can give "
            f"with N = {len(x)} and k = {k}: the truth may be anything above",
            EstimatorWarning,
            stacklevel=2,
        )
    return found


def _local(x: np.ndarray, y: np.ndarray, k: int, variant: int, backend: str) -> np.ndarray:
    """What each sample adds, shape ``(N,)``, nats."""
    near = joint_neighbors(x, y, k, backend)
    require_distinct(near.eps, np.hstack([x, y]))
    warn_of_lattice(near.eps)
    if variant == 1:
        n_x, n_y = (count_within(side, near.eps, strict=True, backend=backend) + 1 for side in (x, y))
        constant = digamma(k) + digamma(len(x))
    else:
        sides = ((x, near.eps_x), (y, near.eps_y))
        n_x, n_y = (count_within(side, reach, strict=False, backend=backend) for side, reach in sides)
        constant = digamma(k) - 1 / k + digamma(len(x))
    of_count = digamma(np.arange(1, len(x) + 1))  # counts repeat: a table instead of 2 N digammas
    return constant - of_count[n_x - 1] - of_count[n_y - 1]


def _standardized(name: str, x: np.ndarray) -> np.ndarray:
    return (x - x.mean(axis=0)) / spread(name, x)
