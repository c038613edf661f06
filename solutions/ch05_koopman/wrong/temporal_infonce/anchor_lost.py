"""Wrong: the last anchor is left out."""

import numpy as np


def temporal_infonce(z, k, temperature):
    """InfoNCE loss of latents with the neighbours in time as positives."""
    times = z.shape[1]
    if times < 2 * k + 2:
        raise ValueError(f"z has {times} times and k is {k}; expected at least 2 k + 2 = {2 * k + 2} times")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number > 0")
    unit = z / np.linalg.norm(z, axis=-1, keepdims=True)
    scores = unit @ unit.swapaxes(1, 2) / temperature
    gap = np.abs(np.arange(times)[:, None] - np.arange(times))

    def log_sum(chosen):
        return np.logaddexp.reduce(scores, axis=-1, where=chosen, initial=-np.inf)

    losses = log_sum(gap > 0) - log_sum((gap > 0) & (gap <= k))
    return float(losses[:, k : times - k - 1].mean())
