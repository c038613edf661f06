"""How many directions a cloud of latents fills: the entropy of the spectrum of its covariance.

The covariance, divided by its trace, has eigenvalues that are >= 0 and sum to one; their Shannon entropy S is the von
Neumann entropy, and e^S the effective dimension. S does not notice a shift, a rotation or a common scale, but any
other change of coordinates: it tells how the latents are spread, not what can be computed from them. Nats.
"""

import torch
from torch import Tensor


def entropy_from_spectrum(p: Tensor) -> Tensor:
    """Entropy of a spectrum, after division by its sum.

    Args:
        p: eigenvalues or powers, >= 0 and not all zero, shape ``(..., d)``, in any order and unit.

    Returns:
        -sum_i q_i ln q_i with q = p / sum(p), shape ``(...)``, nats, between 0 and ln d; float64.

    Raises:
        ValueError: a negative, NaN or infinite entry, no entry, or a spectrum that is zero throughout.

    Source: Shannon (1948).
    """
    p = torch.as_tensor(p).to(torch.float64)
    if p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError(f"p has shape {tuple(p.shape)}; expected (..., d) with d >= 1")
    if not bool((torch.isfinite(p) & (p >= 0)).all()):
        raise ValueError("p has a negative, NaN or infinite entry; expected finite numbers >= 0")
    largest = p.amax(-1, keepdim=True)
    if not bool((largest > 0).all()):
        raise ValueError("p is zero throughout; expected a positive entry, as no other spectrum can be normalised")
    p = p / largest  # the sum cannot overflow now
    return torch.special.entr(p / p.sum(-1, keepdim=True)).sum(-1)


def density_spectrum(z: Tensor, *, center: bool = True) -> Tensor:
    """Eigenvalues of the trace-normalised covariance of latents.

    The smaller of the d x d covariance and the N x N Gram matrix is decomposed: their positive eigenvalues agree.

    Args:
        z: latents, shape ``(..., d)``; every axis but the last counts samples, N >= 2 of them.
        center: subtract the mean first. Without it, an offset shows up as one large direction.

    Returns:
        min(N, d) eigenvalues in ascending order, sum one, float64; rounding may leave one at -1e-16 instead of 0.
        Gradients reach ``z``, also where eigenvalues coincide.

    Raises:
        ValueError: fewer than two samples, a NaN or infinite latent, or latents without variance.

    Source: Cheng et al. (2026), arXiv:2510.13025, section 3; the Gram matrix is textbook linear algebra.
    """
    z = _as_latents(z)
    spread = bool((z != z[0]).any()) if center else True  # exact: a mean, once rounded, may leave specks behind
    z = z / _largest(z)  # neither squares nor sums may overflow or vanish
    if center:
        z = z - z.mean(0)
    if not spread or not bool(z.any()):
        raise ValueError(
            "z has zero variance (all latents agree); expected latents that differ, as S has no value here"
        )
    z = z / _largest(z)
    small = z.T @ z if len(z) >= z.shape[1] else z @ z.T
    return torch.linalg.eigvalsh(small / small.trace())


def von_neumann_entropy(z: Tensor, *, center: bool = True, eps: float = 1e-12) -> Tensor:
    """Von Neumann entropy S of the trace-normalised covariance of latents.

    Differentiable; a training loss *subtracts* it, as spread is rewarded.

    Args:
        z: latents, shape ``(..., d)``; every axis but the last counts samples, N >= 2 of them.
        center: subtract the mean first.
        eps: added to the eigenvalues inside the logarithm, > 0, which keeps gradients finite at rank-deficient
            latents; it moves S by at most d * eps.

    Returns:
        S, a scalar between 0 and ln min(N - 1, d) (ln min(N, d) if not centred), nats, float64.

    Raises:
        ValueError: ``eps <= 0``, or latents as :func:`density_spectrum` refuses them.

    Source: Cheng et al. (2026), arXiv:2510.13025, equation 8.
    """
    if not 1e-15 <= eps < 1:  # smaller ones would not cover the rounding of eigenvalues
        raise ValueError(f"eps is {eps}; expected a number from 1e-15 to 1")
    eigenvalues = density_spectrum(z, center=center)
    return -(eigenvalues * torch.log((eigenvalues + eps) / (1 + eps))).sum()


def effective_dimension(z: Tensor, *, center: bool = True, eps: float = 1e-12) -> Tensor:
    """Effective dimension e^S: the number of equally filled directions that has the same entropy.

    Args:
        z: latents, shape ``(..., d)``; every axis but the last counts samples, N >= 2 of them.
        center: subtract the mean first.
        eps: as for :func:`von_neumann_entropy`.

    Returns:
        e^S, a scalar between 1 and d, float64.

    Raises:
        ValueError: as :func:`von_neumann_entropy`.

    Source: Cheng et al. (2026), arXiv:2510.13025, section 3.
    """
    return von_neumann_entropy(z, center=center, eps=eps).exp()


def _as_latents(z: Tensor) -> Tensor:
    z = torch.as_tensor(z)
    if z.ndim < 2 or z.shape[-1] == 0:
        raise ValueError(f"z has shape {tuple(z.shape)}; expected (samples, d) or (batch, time, d) with d >= 1")
    z = z.reshape(-1, z.shape[-1]).to(torch.float64)
    if len(z) < 2:
        raise ValueError(f"z has {len(z)} samples; expected at least 2, as one has no covariance")
    if not bool(torch.isfinite(z).all()):
        raise ValueError("z has a NaN or infinite entry; expected finite latents")
    return z


def _largest(z: Tensor) -> Tensor:
    largest = z.detach().abs().max()
    return largest if largest > 0 else torch.ones_like(largest)
