"""Wrong: no spread gives 0, one latent too."""

import numpy as np


def von_neumann_entropy(z):
    """Entropy of the spectrum of the covariance of latents."""
    samples = z.reshape(-1, z.shape[-1])
    samples = samples - samples.mean(0)
    spread = np.linalg.svd(samples, compute_uv=False) ** 2
    p = spread / max(spread.sum(), 1e-300)
    p = p[p > 1e-15]
    return -(p * np.log(p)).sum()
