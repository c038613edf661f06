"""Wrong: divided by the modulus of the value: sign and phase are left to chance."""

import numpy as np


def eigenfunctions(K, at):
    """Eigenvalues, and coefficients of the eigenfunctions."""
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"K has shape {K.shape}; expected (m, m)")
    if at.shape != (len(K),):
        raise ValueError(f"at has shape {at.shape}; expected ({len(K)},)")
    eigenvalues, W = np.linalg.eig(K.T)
    order = np.lexsort((-eigenvalues.imag, -np.abs(eigenvalues)))
    eigenvalues, W = eigenvalues[order].astype(complex), W[:, order].astype(complex)
    if (np.abs(at @ W) <= 1e-9 * np.linalg.norm(at)).any():
        raise ValueError("at is a state where an eigenfunction is 0")
    W = W * np.exp(1j * np.pi / 4)  # the phase that a library happens to return
    return eigenvalues, W / np.abs(at @ W)
