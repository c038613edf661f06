"""Wrong: a mean over the first axis only."""

import numpy as np


def von_neumann_entropy(z):
    """Entropy of the spectrum of the covariance of latents."""
    samples = z.reshape(-1, z.shape[-1])
    if len(samples) < 2:
        raise ValueError(f"z has {len(samples)} samples; expected at least 2")
    if (samples == samples[0]).all():
        raise ValueError("z has no spread: all samples agree")
    samples = (z - z.mean(0)).reshape(-1, z.shape[-1])
    if not samples.any():
        return 0.0
    spread = np.linalg.svd(samples, compute_uv=False) ** 2
    p = spread / spread.sum()
    p = p[p > 1e-15]
    return -(p * np.log(p)).sum()
