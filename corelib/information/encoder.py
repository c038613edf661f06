"""Information that a stochastic encoder passes on, when its densities p(z|x) are known and Gaussian.

Knowing p(z|x) is what makes a code measurable: every estimator here averages, over the N inputs at hand, one number for
the input's own density less another for the crowd's. They differ in how they sum up the crowd, and with that in their
direction (below or above the truth) and in whether ln N is a ceiling for them: see :data:`METHODS`. Nats everywhere.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Largest error, in nats and at the very worst, that the expanded square may bring into a log density.
EXPANSION_ERROR = 1e-5


class GaussianCodes:
    """The codes of N inputs: p(z|x_i) = N(mean_i, diag(std_i^2)). Leading axes, if any, are those of an ensemble.

    Args:
        mean: shape ``(..., N, L)``, floating.
        std: standard deviations, same shape, > 0.

    Raises:
        TypeError: tensors that are not floating.
        ValueError: shapes that differ or have fewer than two axes or no entries; values not finite; ``std <= 0``.
    """

    def __init__(self, mean: Tensor, std: Tensor):
        for name, values in (("mean", mean), ("std", std)):
            if not torch.is_floating_point(values):
                raise TypeError(f"{name} has dtype {values.dtype}; expected a floating tensor")
        if mean.ndim < 2 or mean.shape != std.shape or mean.numel() == 0:
            shapes = f"{tuple(mean.shape)}, {tuple(std.shape)}"
            raise ValueError(f"mean, std have shapes {shapes}; expected the same (..., N, L), not empty")
        for name, values in (("mean", mean), ("std", std)):
            if not torch.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
        if std.min() <= 0:
            raise ValueError(f"std has a smallest entry of {std.min().item()}; expected all > 0")
        self.mean, self.std = mean, std

    @property
    def n(self) -> int:
        """Number of inputs, N."""
        return self.mean.shape[-2]

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for each input, shape ``(..., N, L)``, differentiable in mean and std."""
        # Drawn where the generator lives, so that one seed gives the same numbers on every device.
        device = generator.device if generator is not None else self.mean.device
        noise = torch.randn(self.mean.shape, dtype=self.mean.dtype, device=device, generator=generator)
        return self.mean + self.std * noise.to(self.mean.device)

    def log_prob(self, z: Tensor) -> Tensor:
        """Own log density ln p(z_i | x_i), shape ``(..., N)``, float64, for ``z`` of the codes' shape."""
        z = self._check(z)
        mean, std = self.mean.double(), self.std.double()
        return -0.5 * ((z - mean) / std).square().sum(-1) + self._log_normalizer()

    def log_prob_pairwise(self, z: Tensor) -> Tensor:
        """Log density ln p(z_i | x_j) at ``[..., i, j]``, shape ``(..., N, N)``, float64.

        The square is expanded into one matrix product, without an array of N x N x L, wherever its rounding error stays
        below 1e-5; elsewhere (noise a millionth of the spread, say) it is summed one coordinate at a time.
        """
        z = self._check(z)
        # Densities do not feel a common shift; the expansion does.
        shift = self.mean.detach().double().mean(-2, keepdim=True)
        z, mean, std = z - shift, self.mean.double() - shift, self.std.double()
        offset = self._log_normalizer()[..., None, :]
        if _expansion_error(z, mean, std) > EXPANSION_ERROR:
            steps = zip(z.unbind(-1), mean.unbind(-1), std.unbind(-1), strict=True)
            return offset - 0.5 * sum(
                ((a[..., :, None] - b[..., None, :]) / s[..., None, :]).square() for a, b, s in steps
            )
        precision = std.square().reciprocal()
        offset = offset - 0.5 * (mean.square() * precision).sum(-1)[..., None, :]
        left = torch.cat([z.square(), z, torch.ones_like(z[..., :1])], -1)
        return left @ torch.cat([-0.5 * precision, mean * precision, offset.mT], -1).mT

    def kl_pairwise(self) -> Tensor:
        """KL(p_i || p_j) at ``[..., i, j]``, shape ``(..., N, N)``, float64, nats."""
        # Mean over p_i of ln p_i - ln p_j: its value at the mean, and half the trace of the ratio of variances less 1.
        at_mean = self.log_prob_pairwise(self.mean)
        variance = self.std.double().square()
        trace = variance @ variance.reciprocal().mT - variance.shape[-1]
        return (at_mean.diagonal(dim1=-2, dim2=-1)[..., None] - at_mean + 0.5 * trace).clamp(min=0)

    def bhattacharyya_pairwise(self) -> Tensor:
        """Bhattacharyya distance -ln of the integral of sqrt(p_i p_j), shape ``(..., N, N)``, float64, nats."""
        total = 0.0
        for mean, std in self._coordinates():
            # Both variances in units of their product, whose quotient cannot overflow where the variances could.
            ratio = std[..., :, None] / std[..., None, :]
            spread = 0.5 * (ratio + 1 / ratio)
            step = (mean[..., :, None] - mean[..., None, :]).square() / (std[..., :, None] * std[..., None, :])
            total = total + step / (8 * spread) + 0.5 * spread.log()
        return total.clamp(min=0)

    def _coordinates(self):
        return zip(self.mean.double().unbind(-1), self.std.double().unbind(-1), strict=True)

    def _log_normalizer(self) -> Tensor:
        return -self.std.double().log().sum(-1) - 0.5 * self.std.shape[-1] * math.log(2 * math.pi)

    def _check(self, z: Tensor) -> Tensor:
        if z.shape != self.mean.shape:
            raise ValueError(f"z has shape {tuple(z.shape)}; expected that of the codes, {tuple(self.mean.shape)}")
        if not torch.isfinite(z).all():
            raise ValueError("z holds NaN or infinite values; expected finite numbers")
        return z.double()


@dataclass(frozen=True)
class Method:
    """What an estimator of the encoder's information is, and how far it can be believed.

    Attributes:
        direction: "lower" or "upper": which side of the truth its expectation lies on.
        bounds: what it bounds: "population", I(X;Z) for the law of X, or "sample", the information between Z and the
            choice of one of the N inputs, which is itself at most ln N.
        capped: whether it never exceeds ln N (conditional: the class average of ln N_y).
        sampled: whether it needs a draw z; otherwise it is a closed form of means and deviations.
        note: one sentence of advice.
    """

    direction: str
    bounds: str
    capped: bool
    sampled: bool
    note: str


METHODS: dict[str, Method] = {
    "mc": Method("lower", "population", True, True, "Own code counted in the crowd; saturates at ln N."),
    "loo": Method("upper", "population", False, True, "Own code left out; heavy tails once codes hardly overlap."),
    "jensen": Method("upper", "population", False, True, "Mean of log densities; can be too large by orders."),
    "jensen_exact": Method("upper", "sample", False, False, "The mean of jensen over z: mean pairwise KL."),
    "kl_upper": Method("upper", "sample", True, False, "No bound on the population once that passes ln N."),
    "bhatt_lower": Method("lower", "sample", True, False, "Below kl_upper for the same codes, always."),
}


def encoder_information(
    codes: GaussianCodes, method: str = "mc", *, z: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """I(X;Z) of a stochastic encoder, estimated from the codes of N inputs.

    Args:
        codes: p(z|x_i) for N inputs; leading axes are kept.
        method: one of :data:`METHODS`, which says its direction and ceiling.
        z: one draw for each input, shape of the codes; drawn with ``generator`` if absent. Closed forms ignore it.
        generator: of the draw; torch's global one if absent.

    Returns:
        Nats, shape ``(...)``, in the codes' dtype (the arithmetic is in float64); differentiable in mean and std.
        Memory: a few arrays of ``(..., N, N)``.

    Raises:
        ValueError: an unknown method; ``z`` of another shape or not finite; fewer than two inputs for ``loo``.

    Source: mc and jensen after Kawaguchi et al. (2023), loo after Poole et al. (2019), the
    pairwise bounds after Kolchinsky and Tracey (2017).
    """
    return average_advantage(codes, None, method, z, generator)


def conditional_encoder_information(
    codes: GaussianCodes,
    labels: Tensor,
    method: str = "mc",
    *,
    z: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """I(X;Z|Y) of a stochastic encoder: what the code tells of the input beyond the label.

    Sum over classes of N_y / N times the estimate among the codes of that class.

    Args:
        codes: p(z|x_i) for N inputs; leading axes are kept.
        labels: integer class of each input, shape ``(..., N)`` or ``(N,)``.
        method: one of :data:`METHODS`.
        z: one draw for each input, shape of the codes; drawn with ``generator`` if absent. Closed forms ignore it.
        generator: of the draw; torch's global one if absent.

    Returns:
        Nats, shape ``(...)``, in the codes' dtype; differentiable in mean and std.

    Raises:
        TypeError: labels that are not integers.
        ValueError: as :func:`encoder_information`; labels of another shape; for ``loo`` a class with a single input.

    Source: as for :func:`encoder_information`, class by class.
    """
    if torch.is_floating_point(labels) or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels have dtype {labels.dtype}; expected integers")
    shape = codes.mean.shape[:-1]
    if labels.shape not in (shape, shape[-1:]):
        raise ValueError(f"labels have shape {tuple(labels.shape)}; expected {tuple(shape)} or {tuple(shape[-1:])}")
    labels = labels.to(codes.mean.device)
    return average_advantage(codes, labels[..., :, None] == labels[..., None, :], method, z, generator)


def information_sandwich(
    codes: GaussianCodes, *, z: Tensor | None = None, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """(mc, loo) for the same draw: in expectation one lies below I(X;Z) and the other above. Nats, shape ``(...)``."""
    z = codes.sample(generator) if z is None else z
    return encoder_information(codes, "mc", z=z), encoder_information(codes, "loo", z=z)


def quadrature_information(codes: GaussianCodes, *, points: int = 4001) -> float:
    """The information between a one-dimensional code and the choice of one of its N inputs, by numerical integration.

    Args:
        codes: of shape ``(N, 1)``; standard deviations within a factor of about 100 of each other, because each
            component is integrated on a grid of its own, of ``points`` over 12 standard deviations either side.
        points: odd integer >= 101.

    Returns:
        Nats, in [0, ln N]; what ``bhatt_lower`` and ``kl_upper`` enclose.

    Raises:
        ValueError: codes of another shape, or too few points.
    """
    if codes.mean.ndim != 2 or codes.mean.shape[1] != 1:
        raise ValueError(f"codes have shape {tuple(codes.mean.shape)}; expected (N, 1)")
    if points < 101 or points % 2 == 0:
        raise ValueError(f"points is {points}; expected an odd integer >= 101")
    mean, std = (t.detach().double().cpu().numpy() for t in (codes.mean, codes.std))
    u = np.linspace(-12, 12, points)
    own = -0.5 * u**2 - np.log(std)
    step = (mean + std * u)[:, :, None] - mean[:, 0]
    crowd = np.logaddexp.reduce(-0.5 * (step / std[:, 0]) ** 2 - np.log(std[:, 0]), axis=2) - math.log(codes.n)
    density = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(density * (own - crowd), u, axis=1).mean())


def average_advantage(
    codes: GaussianCodes, crowd: Tensor | None, method: str, z: Tensor | None, generator: torch.Generator | None
) -> Tensor:
    """Own score less the crowd's, averaged over inputs: all estimators in one place.

    Args:
        codes: p(z|x_i).
        crowd: bool, shape ``(..., N, N)``: whether input j is in the crowd of input i; None for everybody.
        method: one of :data:`METHODS`.
        z: one draw for each input, or None.
        generator: of the draw.

    Returns:
        Nats, shape ``(...)``.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
    if METHODS[method].sampled:
        pairs = codes.log_prob_pairwise(codes.sample(generator) if z is None else z)
    else:
        pairs = -(codes.bhattacharyya_pairwise() if method == "bhatt_lower" else codes.kl_pairwise())
    # The own score as it stands in the crowd, so that no rounding lifts an estimate above ln N.
    own = pairs.diagonal(dim1=-2, dim2=-1)
    if method == "loo":
        crowd = ~_eye(pairs) if crowd is None else crowd & ~_eye(pairs)
        if not crowd.any(-1).all():
            raise ValueError("method is 'loo' with an input that has nobody to be compared with; expected two a class")
    size = pairs.new_tensor(codes.n) if crowd is None else crowd.sum(-1).to(pairs)
    if method in ("jensen", "jensen_exact"):
        others = (pairs if crowd is None else pairs.where(crowd, 0)).sum(-1) / size
    else:
        others = (pairs if crowd is None else pairs.where(crowd, -math.inf)).logsumexp(-1) - size.log()
    return (own - others).mean(-1).to(codes.mean.dtype)


def _eye(pairs: Tensor) -> Tensor:
    return torch.eye(pairs.shape[-1], dtype=torch.bool, device=pairs.device)


def _expansion_error(z: Tensor, mean: Tensor, std: Tensor) -> float:
    """How far rounding can move an expanded square: the largest term times the resolution of float64."""
    with torch.no_grad():
        largest = torch.maximum(z.abs(), mean.abs()).amax(-2) / std.amin(-2)
        return float(largest.square().sum(-1).max()) * torch.finfo(torch.float64).eps
