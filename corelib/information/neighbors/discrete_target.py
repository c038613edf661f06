"""Mutual information between continuous samples and a discrete label."""

import numpy as np
from scipy.special import digamma
from torch import Tensor

from corelib.information.estimate import MIEstimate, from_local
from corelib.information.neighbors.control import with_control
from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.kozachenko import Weights, local_entropy
from corelib.information.neighbors.search import knn_distances
from corelib.information.samples import as_labels, as_samples, require_distinct, require_neighbours, spread


def ross_mi(
    x: np.ndarray | Tensor,
    labels: np.ndarray | Tensor,
    k: int = 3,
    *,
    standardize: bool = True,
    backend: str = "auto",
    control: str | None = None,
    seed: int = 0,
) -> MIEstimate:
    """Mutual information of samples and labels: neighbours within the class, counted among all.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``.
        labels: integers, booleans or strings, shape ``(N,)``. A sample whose class has no other is left out; a class
            of n <= k samples uses its n - 1 neighbours.
        k: number of neighbours within the class.
        standardize: divide every column by its standard deviation first.
        backend: see :mod:`corelib.information.neighbors.backends`.
        control: "permute" for the same estimate after a random permutation of the labels, whose truth is 0.
        seed: seed of that permutation.

    Returns:
        An :class:`MIEstimate`, nats. The truth is at most H(labels).

    Raises:
        DegenerateSampleError: k + 1 samples of one class that coincide.
        ValueError: shapes, NaN, k, a constant column (with ``standardize``), or no class with two samples.

    Source: Ross (2014), equation 2.
    """
    x = as_samples("x", x)
    labels = as_labels(labels, len(x))
    require_neighbours(k, len(x))
    if standardize:
        x = (x - x.mean(axis=0)) / spread("x", x)
    settings = f"Ross, k = {k}" + ("" if standardize else ", not standardised")

    def estimate(x: np.ndarray, labels: np.ndarray) -> MIEstimate:
        return from_local(_ross_local(x, labels, k, backend), settings)

    return with_control(estimate, x, labels, control, seed)


def _ross_local(x: np.ndarray, labels: np.ndarray, k: int, backend: str) -> np.ndarray:
    size = np.bincount(labels)
    if size.max() < 2:
        raise ValueError(f"labels has {len(size)} classes of one sample each; expected a class with at least two")
    kept = size[labels] > 1
    x, labels = x[kept], labels[kept]
    radius, used = np.empty(len(x)), np.empty(len(x), dtype=np.int64)
    for label in np.unique(labels):
        own = labels == label
        used[own] = min(k, size[label] - 1)
        radius[own] = knn_distances(x[own], int(used[own][0]), metric="chebyshev", backend=backend)[:, -1]
    require_distinct(radius, x)
    m = count_within(x, radius, strict=True, backend=backend) + 1  # the sample itself included
    return digamma(len(x)) + digamma(used) - digamma(size[labels]) - digamma(m)


def kl_mi_discrete(
    x: np.ndarray | Tensor,
    labels: np.ndarray | Tensor,
    k: int = 5,
    *,
    weights: Weights = None,
    rescale: str = "whiten",
    metric: str = "euclidean",
    backend: str = "auto",
    control: str | None = None,
    seed: int = 0,
) -> MIEstimate:
    """Mutual information of samples and labels as H(X) - sum_c p_c H(X | c), Kozachenko-Leonenko throughout.

    Args:
        x: samples, shape ``(N, d)`` or ``(N,)``.
        labels: integers, booleans or strings, shape ``(N,)``; every class needs more than k samples.
        k: number of neighbours.
        weights: None, "berrett" or an array, as in :func:`kl_entropy`.
        rescale: "whiten", "std" or "none", for all samples and for each class separately.
        metric: "euclidean" or "chebyshev".
        backend: see :mod:`corelib.information.neighbors.backends`.
        control: "permute" for the same estimate after a random permutation of the labels, whose truth is 0.
        seed: seed of that permutation.

    Returns:
        An :class:`MIEstimate`, nats. The truth is at most H(labels).

    Raises:
        DegenerateSampleError: samples that coincide.
        ValueError: as :func:`kl_entropy`, or a class of k samples or fewer.

    Source: the paper's code, for I(L;Y) of a layer and a class label.
    """
    x = as_samples("x", x)
    labels = as_labels(labels, len(x))
    smallest = int(np.bincount(labels).min())
    require_neighbours(k, smallest, what="samples in the smallest class")
    settings = f"{'KL' if weights is None else 'weighted KL'} by class, k = {k}, rescale = {rescale}"

    def estimate(x: np.ndarray, labels: np.ndarray) -> MIEstimate:
        local = local_entropy(x, k, weights, metric, rescale, backend)
        for label in np.unique(labels):
            own = labels == label
            local[own] -= local_entropy(x[own], k, weights, metric, rescale, backend)
        return from_local(local, settings)

    return with_control(estimate, x, labels, control, seed)
