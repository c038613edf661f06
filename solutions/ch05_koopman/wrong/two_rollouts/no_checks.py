"""Wrong: bad input passes."""

import numpy as np


def encode(x, model):
    """Latents of states."""
    return np.concatenate([x, x**2], axis=-1) @ model["encoder"].T


def decode(z, model):
    """States of latents."""
    return z @ model["decoder"].T


def two_rollouts(x, K, model):
    """Forecasts within the latent, and re-encoded after every step."""
    state = x[0]
    z = encode(state, model)
    latent, reencoded = [], []
    for _ in x[1:]:
        z = K @ z
        state = decode(K @ encode(state, model), model)
        latent.append(decode(z, model))
        reencoded.append(state)
    return np.array(latent), np.array(reencoded)
