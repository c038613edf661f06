"""Pairs of random vectors whose mutual information is known exactly, each drawn to a target in nats.

Three ideas make them. A Gaussian pair has a closed form. An invertible map of X alone or of Y alone changes no
information, so every curve, copula or stretching of a Gaussian pair keeps it. And some pairs outside that family, such
as the uniform seen through uniform noise, have closed forms of their own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special


@dataclass(frozen=True)
class KnownSample:
    """N pairs, with the mutual information of the distribution that they come from.

    Attributes:
        x: shape ``(N, dx)``, float64.
        y: shape ``(N, dy)``, float64; integer labels ``(N,)`` where Y is discrete.
        mi: I(X;Y) in nats, exact.
        name: the family in words.
    """

    x: np.ndarray
    y: np.ndarray
    mi: float
    name: str


def correlated_normal(
    n: int, mi: float, dx: int, dy: int, *, rng: np.random.Generator, rotate: bool = False
) -> KnownSample:
    """Standard normal X and Y, correlated in pairs of coordinates.

    The information is shared equally by m = min(dx, dy) pairs, with rho = sqrt(1 - exp(-2 mi / m)); the coordinates
    left over are independent noise.

    Args:
        n: number of pairs.
        mi: I(X;Y) in nats, >= 0.
        dx: dimension of X.
        dy: dimension of Y.
        rng: source of randomness.
        rotate: turn X and Y by independent random rotations, which hides the pairs and keeps the information.

    Returns:
        A :class:`KnownSample`; every coordinate is standard normal.

    Raises:
        ValueError: ``n``, ``dx`` or ``dy`` below 1, or ``mi`` negative or not finite.

    Source: Butakov et al. (2024), algorithm 1.
    """
    _require(n=n, dx=dx, dy=dy)
    _require_information(mi)
    shared = min(dx, dy)
    x, y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    # -expm1 keeps the 1 - exp of small information; the other factor is sqrt(1 - rho^2).
    rho, noise = math.sqrt(-math.expm1(-2 * mi / shared)), math.exp(-mi / shared)
    y[:, :shared] = rho * x[:, :shared] + noise * y[:, :shared]
    if rotate:
        x, y = x @ _rotation(dx, rng), y @ _rotation(dy, rng)
    return KnownSample(x, y, float(mi), "normal")


def correlated_uniform(
    n: int, mi: float, dx: int, dy: int, *, rng: np.random.Generator, rotate: bool = False
) -> KnownSample:
    """Uniform coordinates on [0, 1], tied by the copula of :func:`correlated_normal`, whose arguments these are."""
    pair = correlated_normal(n, mi, dx, dy, rng=rng, rotate=rotate)
    return KnownSample(special.ndtr(pair.x), special.ndtr(pair.y), pair.mi, "uniform")


def stretched_normal(n: int, mi: float, dx: int, dy: int, *, rng: np.random.Generator) -> KnownSample:
    """The normal pair of :func:`correlated_normal` with every coordinate stretched, z -> sign(z) |z|^1.5."""
    pair = correlated_normal(n, mi, dx, dy, rng=rng)
    stretched = [np.sign(z) * np.abs(z) ** 1.5 for z in (pair.x, pair.y)]
    return KnownSample(*stretched, pair.mi, "stretched normal")


def student_floor(dx: int, dy: int, dof: float) -> float:
    """Information that a joint Student-t vector carries beyond its correlations: f(dx) + f(dy) - f(dx + dy).

    Args:
        dx: dimension of X.
        dy: dimension of Y.
        dof: degrees of freedom, > 0.

    Returns:
        Nats, > 0; tends to 0 as ``dof`` grows.

    Raises:
        ValueError: a dimension below 1, or ``dof`` not a positive number.

    Source: Arellano-Valle, Contreras-Reyes and Genton (2013); f collects the part of the entropy of a Student-t vector
    that a Gaussian one lacks.
    """
    _require(dx=dx, dy=dy)
    if not 0 < dof < math.inf:
        raise ValueError(f"dof is {dof}; expected a finite number > 0")

    def excess(d: int) -> float:
        half, whole = dof / 2, (dof + d) / 2
        return special.gammaln(half) - special.gammaln(whole) + whole * (special.digamma(whole) - special.digamma(half))

    return float(excess(dx) + excess(dy) - excess(dx + dy))


def correlated_student(
    n: int, gaussian_part: float, dx: int, dy: int, dof: float, *, rng: np.random.Generator
) -> KnownSample:
    """Student-t vectors: the normal pair of :func:`correlated_normal` divided by one common random scale.

    The common scale ties X to Y even without correlation, so the total is ``gaussian_part`` + :func:`student_floor`.

    Args:
        n: number of pairs.
        gaussian_part: information of the correlations, in nats, >= 0. The total is in the result's ``mi``.
        dx: dimension of X.
        dy: dimension of Y.
        dof: degrees of freedom, > 0; the mean needs > 1, the variance > 2.
        rng: source of randomness.

    Returns:
        A :class:`KnownSample`.

    Raises:
        ValueError: as :func:`correlated_normal` and :func:`student_floor`.
    """
    total = gaussian_part + student_floor(dx, dy, dof)
    pair = correlated_normal(n, gaussian_part, dx, dy, rng=rng)
    scale = np.sqrt(dof / rng.chisquare(dof, (n, 1)))
    return KnownSample(pair.x * scale, pair.y * scale, total, f"student, {dof:g} degrees of freedom")


def smoothed_uniform(n: int, mi: float, d: int, *, rng: np.random.Generator) -> KnownSample:
    """X uniform on [0, 1]^d and Y = X + U, with U uniform on [-e, e]^d and e chosen for ``mi``.

    A dimension holds e - ln(2e) for e <= 1/2, and 1 / (4e) above; e solves this for mi / d.

    Args:
        n: number of pairs.
        mi: I(X;Y) in nats, > 0; no finite noise reaches 0.
        d: dimension of X and of Y.
        rng: source of randomness.

    Returns:
        A :class:`KnownSample`.

    Raises:
        ValueError: ``n`` or ``d`` below 1, or ``mi`` not a positive number.

    Source: Czyz et al. (2023), additive noise.
    """
    _require(n=n, d=d)
    _require_information(mi, positive=True)
    each = mi / d
    # e - ln(2e) = t means (-e) exp(-e) = -exp(-t) / 2, which is Lambert's equation; at t = 1/2 both branches meet.
    e = -special.lambertw(-math.exp(-each) / 2).real if each > 0.5 else 1 / (4 * each)
    x = rng.random((n, d))
    return KnownSample(x, x + rng.uniform(-e, e, (n, d)), float(mi), "smoothed uniform")


def log_gamma_exponential(n: int, mi: float, d: int, *, rng: np.random.Generator) -> KnownSample:
    """Logarithms of a gamma rate and of an exponential time with that rate, independent over d coordinates.

    exp(X_j) ~ Gamma(theta, 1) and exp(Y_j) ~ Exponential(rate exp(X_j)), which share digamma(theta + 1) - ln(theta)
    nats; theta is solved for mi / d. Taking logarithms keeps the information and makes the sample fit for a plot.

    Args:
        n: number of pairs.
        mi: I(X;Y) in nats, > 0; no finite theta reaches 0.
        d: dimension of X and of Y.
        rng: source of randomness.

    Returns:
        A :class:`KnownSample`.

    Raises:
        ValueError: ``n`` or ``d`` below 1, or ``mi`` not a positive number.

    Source: Darbellay and Vajda (2000); Kraskov, Stögbauer and Grassberger (2004), section III.
    """
    _require(n=n, d=d)
    _require_information(mi, positive=True)
    each = mi / d

    def excess(log_theta: float) -> float:
        return float(special.digamma(math.exp(log_theta) + 1) - log_theta) - each

    # Near 0 the information is -ln(theta) - 0.577, for large theta 1 / (2 theta): both ends are beyond the root.
    theta = math.exp(optimize.brentq(excess, -each - 1, max(1.0, -math.log(each)), xtol=1e-14))
    # Gamma(theta) equals Gamma(theta + 1) U^(1/theta); in logarithms a small theta does not underflow.
    x = np.log(rng.gamma(theta + 1, size=(n, d))) - rng.standard_exponential((n, d)) / theta
    y = np.log(rng.standard_exponential((n, d))) - x
    return KnownSample(x, y, float(mi), "log-gamma-exponential")


def uniform_labels(n: int, d: int, *, rng: np.random.Generator, n_classes: int = 10) -> KnownSample:
    """X uniform on [0, 1]^d, and the label floor(n_classes x_1): a discrete Y that X determines, ln(n_classes) nats.

    Args:
        n: number of pairs.
        d: dimension of X.
        rng: source of randomness.
        n_classes: number of labels, equally likely.

    Returns:
        A :class:`KnownSample` whose ``y`` holds integers, shape ``(n,)``.

    Raises:
        ValueError: ``n``, ``d`` or ``n_classes`` below 1.
    """
    _require(n=n, d=d, n_classes=n_classes)
    x = rng.random((n, d))
    return KnownSample(x, (n_classes * x[:, 0]).astype(np.int64), math.log(n_classes), "uniform with labels")


def swiss_roll(n: int, mi: float, *, rng: np.random.Generator) -> KnownSample:
    """A :func:`correlated_uniform` pair whose X is rolled up into a spiral in the plane.

    X has two coordinates and no density in them: entropies do not exist, mutual information does. Estimators that go
    by entropies collapse here.

    Args:
        n: number of pairs.
        mi: I(X;Y) in nats, >= 0.
        rng: source of randomness.

    Returns:
        A :class:`KnownSample` with ``x (n, 2)`` and ``y (n, 1)``.

    Raises:
        ValueError: as :func:`correlated_normal`.

    Source: Czyz et al. (2023), the Swiss-roll embedding.
    """
    pair = correlated_uniform(n, mi, 1, 1, rng=rng)
    angle = 1.5 * math.pi * (1 + 2 * pair.x)
    spiral = np.hstack([angle * np.cos(angle), angle * np.sin(angle)])
    return KnownSample(spiral, pair.y, pair.mi, "swiss roll")


def _student_3(n: int, mi: float, d: int, rng: np.random.Generator) -> KnownSample:
    floor = student_floor(d, d, 3)
    if not mi >= floor:
        raise ValueError(f"mi is {mi}; expected at least {floor:.6f}, held by the common scale of {d}+{d} dimensions")
    return correlated_student(n, mi - floor, d, d, 3, rng=rng)


FAMILIES: dict[str, Callable[[int, float, int, np.random.Generator], KnownSample]] = {
    "normal": lambda n, mi, d, rng: correlated_normal(n, mi, d, d, rng=rng),
    "uniform": lambda n, mi, d, rng: correlated_uniform(n, mi, d, d, rng=rng),
    "student-3": _student_3,
    "smoothed uniform": lambda n, mi, d, rng: smoothed_uniform(n, mi, d, rng=rng),
    "log-gamma-exponential": lambda n, mi, d, rng: log_gamma_exponential(n, mi, d, rng=rng),
    "stretched normal": lambda n, mi, d, rng: stretched_normal(n, mi, d, d, rng=rng),
}
"""The accuracy grid: name to ``(n, mi, d, rng) -> KnownSample`` with d + d dimensions and a total of ``mi`` nats."""


def _rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    """Uniformly distributed orthogonal matrix: QR of a Gaussian one, with the signs of R's diagonal undone."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _require(**counts: int) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected an integer >= 1")


def _require_information(mi: float, *, positive: bool = False) -> None:
    if not (0 < mi < math.inf if positive else 0 <= mi < math.inf):
        raise ValueError(f"mi is {mi}; expected a finite number {'> 0' if positive else '>= 0'} of nats")
