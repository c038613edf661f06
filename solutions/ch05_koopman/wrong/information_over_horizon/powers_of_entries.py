"""Wrong: K**n takes powers of entries."""

import numpy as np


def information_over_horizon(K, C, Sigma, n_steps):
    """Information between latents n = 1 ... n_steps apart."""
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"K has shape {K.shape}; expected (d, d)")
    if np.linalg.eigvalsh(Sigma)[0] <= 0:
        raise ValueError("Sigma is not positive definite")
    if n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}; expected at least 1")
    found = []
    for n in range(1, n_steps + 1):
        P = K**n
        S = P @ C @ P.T
        M = sum((K**i) @ Sigma @ (K**i).T for i in range(n))
        found.append(0.5 * (np.linalg.slogdet(S + M)[1] - np.linalg.slogdet(M)[1]))
    return np.array(found)
