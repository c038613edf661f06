"""Wrong: each coordinate is scaled to variance 1."""

import numpy as np


def von_neumann_entropy(z):
    """Entropy of the spectrum of the covariance of latents."""
    samples = z.reshape(-1, z.shape[-1])
    if len(samples) < 2:
        raise ValueError(f"z has {len(samples)} samples; expected at least 2")
    if (samples == samples[0]).all():
        raise ValueError("z has no spread: all samples agree")
    samples = samples - samples.mean(0)
    deviation = samples.std(0)
    samples = samples / np.where(deviation > 1e-12, deviation, 1)
    spread = np.linalg.svd(samples, compute_uv=False) ** 2
    p = spread / spread.sum()
    p = p[p > 1e-15]
    return -(p * np.log(p)).sum()
