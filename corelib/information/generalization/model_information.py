"""What trained parameters tell about the training set, from one Gaussian posterior for each of M training sets.

Two numbers of very different nature: the mean divergence between posteriors, which has no ceiling and is a distance
between optima rather than an information; and the information itself, which cannot exceed ln M.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class LowRankGaussian:
    """Normal distribution with covariance diag(d) + F F^T, of P dimensions and rank K; no P x P matrix is ever made.

    Density, draws, entropy and divergence all belong to this one distribution. Everything is kept in float64.

    Args:
        mean: shape ``(P,)``.
        diag: d, shape ``(P,)``, > 0.
        factor: F, shape ``(P, K)``, K >= 0.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, a diagonal entry <= 0.

    Source: Maddox et al. (2019), SWAG, for the form; the Woodbury identity for everything else.
    """

    def __init__(self, mean: Tensor, diag: Tensor, factor: Tensor):
        if mean.ndim != 1 or diag.shape != mean.shape or factor.shape[:-1] != mean.shape or len(mean) == 0:
            shapes = ", ".join(str(tuple(t.shape)) for t in (mean, diag, factor))
            raise ValueError(f"mean, diag, factor have shapes {shapes}; expected (P,), (P,), (P, K) with P >= 1")
        for name, values in (("mean", mean), ("diag", diag), ("factor", factor)):
            if not torch.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
        if diag.min() <= 0:
            raise ValueError(f"diag has a smallest entry of {diag.min()}; expected all > 0")
        self.mean, self.diag, self.factor = mean.double(), diag.double(), factor.double()
        scaled = self.factor / self.diag[:, None]
        # Capacitance I + F^T diag(1/d) F = L L^T, and L^-1 F^T diag(1/d), which maps a deviation to what F explains.
        eye = torch.eye(factor.shape[1], dtype=torch.float64, device=factor.device)
        cholesky = torch.linalg.cholesky(eye + self.factor.T @ scaled)
        self._explained = torch.linalg.solve_triangular(cholesky, scaled.T, upper=False)
        self.log_det = float(self.diag.log().sum() + 2 * cholesky.diagonal().log().sum())

    def marginal(self, columns: slice | Tensor) -> "LowRankGaussian":
        """The distribution of some coordinates, the encoder's for example: the same rows of mean, diag and factor."""
        return LowRankGaussian(self.mean[columns], self.diag[columns], self.factor[columns])

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """``n`` draws, shape ``(n, P)``, float64."""
        if n < 1:
            raise ValueError(f"n is {n}; expected an integer >= 1")
        dimension, rank = self.factor.shape
        # Drawn where the generator lives, so that one seed gives the same numbers on every device.
        noise = torch.randn(n, dimension + rank, dtype=torch.float64, generator=generator).to(self.mean)
        return self.mean + noise[:, :dimension] * self.diag.sqrt() + noise[:, dimension:] @ self.factor.T

    def log_prob(self, theta: Tensor) -> Tensor:
        """Log-density, nats, of points ``theta (..., P)``; shape ``(...)``.

        Raises:
            ValueError: points of another dimension, NaN or infinite.
        """
        if theta.shape[-1:] != self.mean.shape or not torch.isfinite(theta).all():
            raise ValueError(f"theta has shape {tuple(theta.shape)}; expected (..., {len(self.mean)}), all finite")
        return -0.5 * (self._quadratic(theta - self.mean) + self.log_det + len(self.mean) * math.log(2 * math.pi))

    def entropy(self) -> float:
        """Differential entropy, nats."""
        return 0.5 * (self.log_det + len(self.mean) * (1 + math.log(2 * math.pi)))

    def kl(self, other: "LowRankGaussian") -> float:
        """Kullback-Leibler divergence KL(self || other), nats.

        Args:
            other: a distribution of the same dimension; its rank may differ.

        Raises:
            ValueError: another dimension.
        """
        if other.mean.shape != self.mean.shape:
            raise ValueError(f"other has {len(other.mean)} dimensions; expected {len(self.mean)}")
        # tr(S1^-1 S0), S0 = diag(d0) + F0 F0^T: the diagonal's part, then a quadratic form for each column of F0.
        trace = (self.diag / other.diag).sum() - (other._explained.square() * self.diag).sum()
        trace += other._quadratic(self.factor.T).sum()
        distance = other._quadratic(other.mean - self.mean)
        value = 0.5 * float(trace + distance - len(self.mean) + other.log_det - self.log_det)
        return max(value, 0.0)  # equal distributions may miss 0 by rounding

    def _quadratic(self, deviation: Tensor) -> Tensor:
        """v^T Sigma^-1 v by the Woodbury identity, for deviations ``(..., P)``; shape ``(...)``."""
        deviation = deviation.to(self.mean)
        return (deviation.square() / self.diag).sum(-1) - (deviation @ self._explained.T).square().sum(-1)


def model_information(posteriors: Sequence[LowRankGaussian]) -> float:
    """Mean divergence between the posteriors of M training sets, over all M^2 ordered pairs.

    In closed form what the paper averages over draws: the mean of ln q_m(theta) - mean_m' ln q_m'(theta) for theta
    from q_m. By Jensen it bounds the information from above, without a ceiling: posteriors that do not overlap, at
    variances of 1e-6, are millions of nats apart.

    Args:
        posteriors: M >= 1 distributions of one dimension, one for each training set, from one initial seed.

    Returns:
        Nats; 0 for equal posteriors.

    Raises:
        ValueError: no posterior, or different dimensions.

    Source: Kawaguchi et al. (2023), estimator of I(S; theta), whose expectation this is.
    """
    _require_posteriors(posteriors)
    pairs = [a.kl(b) for i, a in enumerate(posteriors) for j, b in enumerate(posteriors) if i != j]
    return math.fsum(pairs) / len(posteriors) ** 2


def model_information_mc(
    posteriors: Sequence[LowRankGaussian], n_samples: int = 10, generator: torch.Generator | None = None
) -> float:
    """Information between parameters and the training set, each of M sets equally likely: at most ln M.

    Mean over draws theta from q_m of ln q_m(theta) - ln (1/M) sum_m' q_m'(theta), n_samples draws for each m.

    Args:
        posteriors: M >= 1 distributions of one dimension, one for each training set.
        n_samples: draws from each posterior, >= 1.
        generator: where the draws come from, on the CPU.

    Returns:
        Nats, in (-infinity, ln M]; unbiased, so it may fall below 0 where the information is nearly 0.

    Raises:
        ValueError: no posterior, different dimensions, or ``n_samples < 1``.
    """
    _require_posteriors(posteriors)
    values = []
    for m, posterior in enumerate(posteriors):
        theta = posterior.sample(n_samples, generator)
        log_density = torch.stack([other.log_prob(theta) for other in posteriors])  # (M, n_samples)
        values.append(log_density[m] - log_density.logsumexp(0) + math.log(len(posteriors)))
    return float(torch.cat(values).mean())


def _require_posteriors(posteriors: Sequence[LowRankGaussian]) -> None:
    dimensions = {len(posterior.mean) for posterior in posteriors}
    if len(dimensions) != 1:
        raise ValueError(
            f"posteriors have dimensions {sorted(dimensions)}; expected at least one, all of one dimension"
        )
