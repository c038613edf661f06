"""Wrong: powers of j in place of Γ functions."""

import numpy as np


def kl_weights(k, d):
    """Weights of least norm that cancel the leading bias."""
    n_terms = d // 4
    if k < n_terms + 1:
        raise ValueError(f"k is {k}; expected at least {n_terms + 1}")
    if n_terms == 0:
        return np.eye(k)[-1]
    rows = np.array([[j ** (2 * term / d) for j in range(1, k + 1)] for term in range(n_terms + 1)])
    norms = np.linalg.norm(rows, axis=1)
    wanted = np.eye(n_terms + 1)[0] / norms
    return np.linalg.lstsq(rows / norms[:, None], wanted, rcond=None)[0]
