"""Wrong: the inverse of the right eigenvectors has the eigenfunctions in its rows."""

import numpy as np


def eigenfunctions(K, at):
    """Eigenvalues, and coefficients of the eigenfunctions."""
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"K has shape {K.shape}; expected (m, m)")
    if at.shape != (len(K),):
        raise ValueError(f"at has shape {at.shape}; expected ({len(K)},)")
    eigenvalues, V = np.linalg.eig(K)
    order = np.lexsort((-eigenvalues.imag, -np.abs(eigenvalues)))
    eigenvalues, W = eigenvalues[order].astype(complex), np.linalg.inv(V)[order].astype(complex)
    there = W @ at
    if (np.abs(there) <= 1e-9 * np.linalg.norm(at)).any():
        raise ValueError("at is a state where an eigenfunction is 0")
    return eigenvalues, W / there[:, None]
