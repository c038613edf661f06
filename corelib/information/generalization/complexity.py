"""Sizes of networks that have been blamed for their generalization gap: counts, norms and margins, one number a model.

Weights come as a list with one tensor ``(E, out, in)`` a layer, biases as ``(E, out)``; E models at once. Norms are of
weight matrices; biases count as parameters only. Everything is float64.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


def parameter_count(weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Number m of weights and biases, shape ``(E,)``; the same for all models of one ensemble.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.
    """
    weights = _checked(weights)
    expected = [tuple(w.shape[:2]) for w in weights]
    if [tuple(b.shape) for b in biases] != expected:
        raise ValueError(f"biases have shapes {[tuple(b.shape) for b in biases]}; expected {expected}")
    count = sum(w[0].numel() for w in weights) + sum(b[0].numel() for b in biases)
    return torch.full((len(weights[0]),), float(count), dtype=torch.float64)


def vc_proxy(weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """What grows like the VC dimension: m log2 m for m parameters, ``(E,)``. It orders networks exactly as m does.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.

    Source: Kawaguchi et al. (2023), released code, one of the measures compared.
    """
    count = parameter_count(weights, biases)
    return count * count.log2()


def frobenius_sum(weights: Sequence[Tensor]) -> Tensor:
    """Sum over layers of Frobenius norms, shape ``(E,)``.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.
    """
    return sum(torch.linalg.matrix_norm(w) for w in _checked(weights))


def squared_frobenius(weights: Sequence[Tensor]) -> Tensor:
    """Sum over layers of squared Frobenius norms, shape ``(E,)``.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.
    """
    return sum(w.square().sum((1, 2)) for w in _checked(weights))


def log_frobenius_product(weights: Sequence[Tensor]) -> Tensor:
    """Logarithm of the product of the layers' Frobenius norms, shape ``(E,)``; -inf where a layer is all zeros.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.
    """
    return sum(torch.linalg.matrix_norm(w).log() for w in _checked(weights))


def log_spectral_product(weights: Sequence[Tensor]) -> Tensor:
    """Logarithm of the product of the layers' largest singular values, shape ``(E,)``; -inf where a layer is zero.

    Its exponential bounds the Lipschitz constant of a ReLU network.

    Raises:
        ValueError: shapes that do not fit together, or values not finite.

    Source: Bartlett et al. (2017), the factor of their margin bound.
    """
    return sum(torch.linalg.matrix_norm(w, ord=2).log() for w in _checked(weights))


def path_norm(weights: Sequence[Tensor]) -> Tensor:
    """Root of the sum, over all paths from an input to an output, of the product of squared weights; shape ``(E,)``.

    Unlike the other norms it does not change when a ReLU unit's incoming weights grow by a factor and its outgoing
    ones shrink by it, which leaves the network the same function.

    Raises:
        ValueError: shapes that do not fit together, layers that cannot follow each other, or values not finite.

    Source: Neyshabur et al. (2015), path norm with p = 2.
    """
    weights = _checked(weights)
    for before, after in pairwise(weights):
        if after.shape[2] != before.shape[1]:
            raise ValueError(
                f"a layer gives {before.shape[1]} outputs and the next takes {after.shape[2]}; expected equal"
            )
    paths = torch.ones(len(weights[0]), weights[0].shape[2], 1, dtype=torch.float64, device=weights[0].device)
    for w in weights:
        paths = w.square() @ paths
    return paths.sum((1, 2)).sqrt()


def margin_quantile(logits: Tensor, labels: Tensor, q: float = 0.1) -> Tensor:
    """A low quantile of the margins, score of the label minus the best other score; negative for an error. ``(E,)``.

    Args:
        logits: class scores, shape ``(E, N, C)``, C >= 2.
        labels: classes, int64, shape ``(N,)`` or ``(E, N)``.
        q: which quantile, in [0, 1].

    Raises:
        ValueError: shapes that do not fit, labels outside 0 .. C - 1, scores not finite, q outside [0, 1].
        TypeError: labels that are not integers.
    """
    if logits.ndim != 3 or logits.shape[1] == 0 or logits.shape[2] < 2:
        raise ValueError(f"logits has shape {tuple(logits.shape)}; expected (E, N, C), N >= 1, C >= 2")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels have dtype {labels.dtype}; expected int64")
    if labels.shape not in (logits.shape[1:2], logits.shape[:2]):
        raise ValueError(f"labels have shape {tuple(labels.shape)}; expected {tuple(logits.shape[:2])}, E optional")
    if labels.min() < 0 or labels.max() >= logits.shape[2]:
        raise ValueError(f"labels lie in {labels.min()} .. {labels.max()}; expected 0 .. {logits.shape[2] - 1}")
    if not torch.isfinite(logits).all():
        raise ValueError("logits holds NaN or infinite values; expected finite scores")
    if not 0 <= q <= 1:
        raise ValueError(f"q is {q}; expected a number in [0, 1]")
    chosen = labels.expand(logits.shape[:2])[..., None]
    own = logits.double().gather(2, chosen)
    others = logits.double().scatter(2, chosen, -math.inf).amax(2)
    return (own[..., 0] - others).quantile(q, dim=1)


def inverse_margin(margin: Tensor) -> Tensor:
    """1 / margin, large where the classes are barely told apart.

    Args:
        margin: margins > 0, in units of the scores, any shape. A network with errors among its lowest margins has none;
            ``-margin`` orders those too, and orders the others in the same way.

    Raises:
        ValueError: margins that are not finite and > 0.
    """
    if not (torch.isfinite(margin) & (margin > 0)).all():
        raise ValueError(
            f"margin has a smallest value of {margin.min():g}; expected finite numbers > 0 (or use -margin)"
        )
    return 1 / margin.double()


def one_over_sqrt_n(n: np.ndarray | int) -> np.ndarray:
    """1 / sqrt(n), the rate without any measure: what every other one has to beat. The same as no information at all.

    Args:
        n: size of the training set, >= 1.

    Raises:
        ValueError: sizes that are not finite and >= 1.
    """
    return information_rate(np.zeros(np.shape(n)), n)


def information_rate(information: np.ndarray, n: np.ndarray | int) -> np.ndarray:
    """sqrt((I + 1) / n): the shape of the bound, without its constants.

    Args:
        information: nats, >= -1 (an estimate may come out a little below 0).
        n: size of the training set, >= 1.

    Returns:
        Array of the broadcast shape.

    Raises:
        ValueError: values out of range or not finite.

    Source: Kawaguchi et al. (2023), the rate of theorem 1 as their figure states it.
    """
    information, n = np.asarray(information, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not (np.isfinite(information) & (information >= -1)).all():
        raise ValueError(f"information has a smallest value of {information.min()}; expected finite nats >= -1")
    if not (np.isfinite(n) & (n >= 1)).all():
        raise ValueError(f"n has a smallest value of {n.min()}; expected finite sizes >= 1")
    return np.sqrt((information + 1) / n)


def _checked(weights: Sequence[Tensor]) -> list[Tensor]:
    if len(weights) == 0:
        raise ValueError("weights is empty; expected at least one layer")
    shapes = [tuple(w.shape) for w in weights]
    if any(len(shape) != 3 or shape[0] != shapes[0][0] or 0 in shape for shape in shapes):
        raise ValueError(f"weights have shapes {shapes}; expected (E, out, in) with the same E in every layer")
    for layer, w in enumerate(weights):
        if not torch.isfinite(w).all():
            raise ValueError(f"weights of layer {layer} hold NaN or infinite values; expected finite numbers")
    return [w.detach().double() for w in weights]
