"""Wrong: right eigenvectors, scaled by their value."""

import numpy as np


def eigenfunctions(K, at):
    """Eigenvalues, and coefficients of the eigenfunctions."""
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"K has shape {K.shape}; expected (m, m)")
    if at.shape != (len(K),):
        raise ValueError(f"at has shape {at.shape}; expected ({len(K)},)")
    left = np.linalg.eig(K.T)[1]
    if (np.abs(at @ left) <= 1e-9 * np.linalg.norm(at)).any():
        raise ValueError("at is a state where an eigenfunction is 0")
    eigenvalues, W = np.linalg.eig(K)
    order = np.lexsort((-eigenvalues.imag, -np.abs(eigenvalues)))
    eigenvalues, W = eigenvalues[order].astype(complex), W[:, order].astype(complex)
    return eigenvalues, W / (at @ W)
