"""Wrong: bad input passes: what does not fit is cut off, and infinity is returned."""

import numpy as np


def information_over_horizon(K, C, Sigma, n_steps):
    """Information between latents n = 1 ... n_steps apart."""
    d = min(K.shape)
    K, C, Sigma = K[:d, :d], C[:d, :d], Sigma[:d, :d]
    power = np.linalg.matrix_power
    found = []
    for n in range(1, n_steps + 1):
        P = power(K, n)
        S = P @ C @ P.T
        M = sum(power(K, i) @ Sigma @ power(K, i).T for i in range(n))
        found.append(0.5 * (np.linalg.slogdet(S + M)[1] - np.linalg.slogdet(M + 1e-300 * np.eye(d))[1]))
    return np.array(found)
