"""A world of finitely many inputs, codes and labels, where a generalization bound can be computed to the last constant.

X is an input, Y its label, Z the code that an encoder p(z|x) gives it; a decoder g guesses the label from the code.
Let q(z,y) be the joint distribution of code and label, the loss >= 0, and the n training pairs independent. For any
choice of "typical" cells (z,y) that did not look at them, with probability >= 1 - delta, for every decoder at once,

    test loss - training loss  <=  G sqrt((ln M + ln(1/delta)) / n) + A,

with G the sum over typical cells of loss sqrt(2 q), A the sum over all other cells of loss q, M the number of typical
cells. Why: a cell seen N times has N/n < q - t with probability at most exp(-n t^2 / (2 q)) (Chernoff, lower tail). The
t at which each of the M cells fails with probability delta / M gives the first term; elsewhere q - N/n <= q gives the
second. Nothing in this depends on g, hence "every decoder", also one fitted to the training pairs. Nats throughout.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

_ROUNDING = 1e-9  # relative: sums of 1e5 probabilities are exact to about 1e-11


@dataclass(frozen=True)
class FiniteInformation:
    """What a code keeps, in nats: i_xz = i_yz + i_xz_given_y, and h_z_given_y = i_xz_given_y + h_z_given_xy."""

    i_xz: float
    i_xz_given_y: float
    i_yz: float
    h_z_given_y: float
    h_z_given_xy: float


@dataclass(frozen=True)
class BoundTerms:
    """The bound on test loss minus training loss, ``value = weight * rate + atypical``, in units of the loss.

    Attributes:
        value: the bound; like ``weight`` and ``atypical`` an array where a stack of losses was given.
        weight: G, the sum of loss sqrt(2 q) over typical cells.
        rate: sqrt((ln M + ln(1/delta) - log_prior) / n).
        cells: M, the number of typical cells.
        atypical: A, the sum of loss q over the remaining cells.
    """

    value: float | np.ndarray
    weight: float | np.ndarray
    rate: float
    cells: int
    atypical: float | np.ndarray


def finite_information(p_xy: np.ndarray, encoder: np.ndarray) -> FiniteInformation:
    """Exact information in a code of a finite world, where Y - X - Z is a Markov chain.

    Args:
        p_xy: joint probabilities of input and label, shape ``(X, Y)``, sum 1.
        encoder: p(z|x), shape ``(X, Z)``, rows sum to 1.

    Returns:
        A :class:`FiniteInformation`, nats; rounding below zero is clamped.

    Raises:
        ValueError: shapes that do not fit, negative or non-finite entries, sums further than 1e-8 from 1.

    Source: Kawaguchi et al. (2023) for I(X;Z|Y) as the information that the label does not need.
    """
    p_xy, encoder = _as_world(p_xy, encoder)
    q_zy = encoder.T @ p_xy
    h_z = entr(q_zy.sum(1)).sum()
    h_z_given_y = entr(q_zy).sum() - entr(q_zy.sum(0)).sum()
    # Given x, the label tells nothing more about the code: H(Z|X,Y) = H(Z|X).
    h_z_given_xy = p_xy.sum(1) @ entr(encoder).sum(1)
    differences = (h_z - h_z_given_xy, h_z_given_y - h_z_given_xy, h_z - h_z_given_y, h_z_given_y, h_z_given_xy)
    return FiniteInformation(*(max(0.0, float(value)) for value in differences))


def typical_cells(q_zy: np.ndarray, atypical_mass: float = 0.0) -> np.ndarray:
    """For each label the fewest, most probable codes that together have probability >= 1 - atypical_mass given it.

    Of equally probable codes the one with the lower index comes first. Codes of probability zero are never typical.

    Args:
        q_zy: joint probabilities of code and label, shape ``(Z, Y)``, sum 1. The distribution, not counts of a training
            set: the bound needs cells chosen without it.
        atypical_mass: share of each label's probability that may be left out, in [0, 1).

    Returns:
        Boolean array ``(Z, Y)``.

    Raises:
        ValueError: ``q_zy`` is not a joint distribution, ``atypical_mass`` outside [0, 1).
    """
    q_zy = as_joint("q_zy", q_zy)
    if not 0 <= atypical_mass < 1:
        raise ValueError(f"atypical_mass is {atypical_mass}; expected a number in [0, 1)")
    order = np.argsort(-q_zy, axis=0, kind="stable")
    descending = np.take_along_axis(q_zy, order, axis=0)
    # Mass of a code and all that come after it. Summed from the small end, so that no rounding hides a rare code.
    remaining = np.cumsum(descending[::-1], axis=0)[::-1]
    kept = remaining > atypical_mass * (1 + _ROUNDING) * remaining[0]
    kept[0] = True
    cells = np.empty_like(kept)
    np.put_along_axis(cells, order, kept & (descending > 0), axis=0)
    return cells


def cell_weight(q_zy: np.ndarray, loss: np.ndarray, cells: np.ndarray) -> float | np.ndarray:
    """G, the factor before the square root of the bound: the sum of loss sqrt(2 q) over the typical cells.

    This is where a large code pays. With loss 1 everywhere G is sqrt(2) sum_y sqrt(P(y)) exp(H_y / 2), H_y the Rényi
    entropy of order 1/2 of the code given the label: it doubles with every two bits. A good decoder has loss 0 on the
    cells that carry most of the probability, and they drop out.

    Args:
        q_zy: joint probabilities of code and label, shape ``(Z, Y)``, sum 1.
        loss: loss of the decoder for each code and label, shape ``(..., Z, Y)``, finite and >= 0; leading axes hold
            several decoders.
        cells: the typical cells, boolean, shape ``(Z, Y)``.

    Returns:
        G in units of the loss, a float or an array of the leading shape.

    Raises:
        ValueError: ``q_zy`` is not a joint distribution, shapes that do not fit, a loss outside [0, inf).

    Source: derived here; Cauchy-Schwarz over the labels turns it into G_3 of Kawaguchi et al. (2023), theorem 1.
    """
    q_zy = as_joint("q_zy", q_zy)
    loss, cells = _as_loss(loss, q_zy.shape), np.asarray(cells)
    if cells.shape != q_zy.shape or cells.dtype != bool:
        raise ValueError(f"cells is {cells.dtype} of shape {cells.shape}; expected booleans of shape {q_zy.shape}")
    return _weighted(loss, np.where(cells, np.sqrt(2 * q_zy), 0.0))


def ib_generalization_bound(
    p_xy: np.ndarray,
    encoder: np.ndarray,
    loss: np.ndarray,
    n: int,
    delta: float,
    *,
    atypical_mass: float = 0.0,
    log_prior: float = 0.0,
) -> BoundTerms:
    """The most by which test loss exceeds training loss, except with probability ``delta`` over the training set.

    It holds for all decoders at once. The encoder must not depend on the training set, unless its choice is paid for:
    fix, before seeing the set, probabilities for all encoders that could come out and pass ``log_prior``, the logarithm
    of the chosen one's (its share of delta). On average that price is at least the entropy of the chosen encoder, the
    finite counterpart of the information I(encoder; training set).

    Args:
        p_xy: joint probabilities of input and label, shape ``(X, Y)``, sum 1.
        encoder: p(z|x), shape ``(X, Z)``, rows sum to 1.
        loss: loss of the decoder g, ``loss[z, y] = l(g(z), y)``, shape ``(..., Z, Y)``, finite and >= 0; leading axes
            hold several decoders.
        n: number of independent training pairs, >= 1.
        delta: probability of failure that is accepted, in (0, 1).
        atypical_mass: share of each label's probability in codes that are not counted, see :func:`typical_cells`.
        log_prior: ln of the probability that the encoder had before the training set was seen, finite and <= 0; 0 for
            an encoder that is fixed.

    Returns:
        A :class:`BoundTerms` in units of the loss.

    Raises:
        ValueError: probabilities that are none, shapes that do not fit, a loss outside [0, inf), or n, delta,
            atypical_mass, log_prior outside their ranges.
        TypeError: ``n`` is not an integer.

    Source: derived in the module's docstring; the finite form of Kawaguchi et al. (2023), theorems 1 and 2.
    """
    p_xy, encoder = _as_world(p_xy, encoder)
    q_zy = encoder.T @ p_xy
    loss = _as_loss(loss, q_zy.shape)
    _require_size_and_delta(n, delta)
    if not -math.inf < log_prior <= 0:
        raise ValueError(f"log_prior is {log_prior}; expected a finite number <= 0, the logarithm of a probability")
    cells = typical_cells(q_zy, atypical_mass)
    weight, atypical = cell_weight(q_zy, loss, cells), _weighted(loss, np.where(cells, 0.0, q_zy))
    rate = math.sqrt((math.log(cells.sum()) - math.log(delta) - log_prior) / n)
    return BoundTerms(weight * rate + atypical, weight, rate, int(cells.sum()), atypical)


def union_bound_over_decoders(n_symbols: int, n_classes: int, n: int, delta: float) -> float:
    """The same gap, bounded without looking at the distribution: Hoeffding for each of C^Z decoders, loss in [0, 1].

    Args:
        n_symbols: Z, number of codes, >= 1.
        n_classes: C, number of labels a decoder may answer, >= 1.
        n: number of independent training pairs, >= 1.
        delta: probability of failure that is accepted, in (0, 1).

    Returns:
        sqrt((Z ln C + ln(1/delta)) / (2 n)), in units of the loss.

    Raises:
        ValueError: an argument outside its range.
        TypeError: a count that is not an integer.

    Source: Hoeffding (1963), theorem 2, and the union bound.
    """
    require_count("n_symbols", n_symbols)
    require_count("n_classes", n_classes)
    _require_size_and_delta(n, delta)
    return math.sqrt((n_symbols * math.log(n_classes) - math.log(delta)) / (2 * n))


def require_count(name: str, value: object) -> None:
    """Refuse what is not an integer >= 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; expected an integer >= 1")
    if value < 1:
        raise ValueError(f"{name} is {value}; expected an integer >= 1")


def as_joint(name: str, p: np.ndarray) -> np.ndarray:
    """A joint distribution as float64, or a refusal: two axes, entries >= 0, sum 1 within 1e-8."""
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 2 or p.size == 0:
        raise ValueError(f"{name} has shape {p.shape}; expected two axes, neither empty")
    if not (np.isfinite(p) & (p >= 0)).all():
        raise ValueError(f"{name} holds negative, NaN or infinite entries; expected probabilities")
    if abs(p.sum() - 1) > 1e-8:
        raise ValueError(f"{name} sums to {p.sum()}; expected 1 within 1e-8")
    return p


def _weighted(loss: np.ndarray, weights: np.ndarray) -> float | np.ndarray:
    total = np.einsum("...zy,zy->...", loss, weights)
    return float(total) if total.ndim == 0 else total


def _as_world(p_xy: np.ndarray, encoder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p_xy, encoder = as_joint("p_xy", p_xy), np.asarray(encoder, dtype=np.float64)
    if encoder.ndim != 2 or len(encoder) != len(p_xy) or encoder.size == 0:
        raise ValueError(f"encoder has shape {encoder.shape}; expected ({len(p_xy)}, Z), a row for each row of p_xy")
    if not (np.isfinite(encoder) & (encoder >= 0)).all():
        raise ValueError("encoder holds negative, NaN or infinite entries; expected probabilities p(z|x)")
    worst = int(np.abs(encoder.sum(1) - 1).argmax())
    if abs(encoder[worst].sum() - 1) > 1e-8:
        raise ValueError(f"encoder row {worst} sums to {encoder[worst].sum()}; expected 1 within 1e-8")
    return p_xy, encoder


def _as_loss(loss: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    loss = np.asarray(loss, dtype=np.float64)
    if loss.shape[-2:] != shape:
        raise ValueError(f"loss has shape {loss.shape}; expected (..., {shape[0]}, {shape[1]}), codes by labels")
    if not (np.isfinite(loss) & (loss >= 0)).all():
        raise ValueError("loss holds negative, NaN or infinite entries; expected finite numbers >= 0")
    return loss


def _require_size_and_delta(n: int, delta: float) -> None:
    require_count("n", n)
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta}; expected a probability in (0, 1)")
