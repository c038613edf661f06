"""Wrong: bad input passes: what does not fit is cut off."""

import numpy as np


def eigenfunctions(K, at):
    """Eigenvalues, and coefficients of the eigenfunctions."""
    m = min(K.shape[0], K.shape[1], len(at))
    K, at = K[:m, :m], at[:m]
    eigenvalues, W = np.linalg.eig(K.T)
    order = np.lexsort((-eigenvalues.imag, -np.abs(eigenvalues)))
    eigenvalues, W = eigenvalues[order].astype(complex), W[:, order].astype(complex)
    with np.errstate(all="ignore"):
        return eigenvalues, W / (at @ W)
