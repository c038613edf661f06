"""Wrong: latents of other windows are negatives."""

import numpy as np


def temporal_infonce(z, k, temperature):
    """InfoNCE loss of latents with the neighbours in time as positives."""
    times = z.shape[1]
    if times < 2 * k + 2:
        raise ValueError(f"z has {times} times and k is {k}; expected at least 2 k + 2 = {2 * k + 2} times")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number > 0")
    batch, d = len(z), z.shape[-1]
    unit = (z / np.linalg.norm(z, axis=-1, keepdims=True)).reshape(-1, d)
    scores = unit @ unit.T / temperature
    time, window = np.tile(np.arange(times), batch), np.repeat(np.arange(batch), times)
    gap, same = np.abs(time[:, None] - time), window[:, None] == window
    near, others = same & (gap > 0) & (gap <= k), ~np.eye(len(unit), dtype=bool)
    losses = np.logaddexp.reduce(scores, axis=-1, where=others, initial=-np.inf)
    losses = losses - np.logaddexp.reduce(scores, axis=-1, where=near, initial=-np.inf)
    return float(losses[(time >= k) & (time < times - k)].mean())
