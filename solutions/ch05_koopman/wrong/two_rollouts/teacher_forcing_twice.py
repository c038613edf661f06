"""Wrong: both forecasts start from the true state at every step."""

import numpy as np


def encode(x, model):
    """Latents of states."""
    return np.concatenate([x, x**2], axis=-1) @ model["encoder"].T


def decode(z, model):
    """States of latents."""
    return z @ model["decoder"].T


def two_rollouts(x, K, model):
    """Forecasts within the latent, and re-encoded after every step."""
    if len(x) < 2:
        raise ValueError(f"x has {len(x)} rows; expected at least 2")
    state = x[0]
    z = encode(state, model)
    if K.shape != (len(z), len(z)):
        raise ValueError(f"K has shape {K.shape}; expected {(len(z), len(z))}")
    latent, reencoded = [], []
    for true in x[:-1]:
        z = K @ encode(true, model)
        state = decode(K @ encode(true, model), model)
        latent.append(decode(z, model))
        reencoded.append(state)
    return np.array(latent), np.array(reencoded)
