"""Wrong: 0 ln 0 is NaN."""

import numpy as np


def von_neumann_entropy(z):
    """Entropy of the spectrum of the covariance of latents."""
    samples = z.reshape(-1, z.shape[-1])
    if len(samples) < 2:
        raise ValueError(f"z has {len(samples)} samples; expected at least 2")
    if (samples == samples[0]).all():
        raise ValueError("z has no spread: all samples agree")
    samples = samples - samples.mean(0)
    p = np.linalg.eigvalsh(samples.T @ samples)
    p = np.where(p < 1e-12 * p.sum(), 0, p) / p.sum()
    with np.errstate(all="ignore"):
        return -(p * np.log(p)).sum()
