"""Wrong: the inner derivative lacks the treatment residual."""

import numpy as np


def r_loss_step(w, features, y, t, m_hat, e_hat, train, lr, weight_decay):
    """One step of descent on the R-loss."""
    if not ((e_hat[train] > 0) & (e_hat[train] < 1)).all():
        raise ValueError("e_hat is 0 or 1, or beyond, at a training node; expected values between 0 and 1")
    if weight_decay < 0:
        raise ValueError(f"weight_decay is {weight_decay}; expected a number >= 0")
    v, u, phi = (y - m_hat)[train], (t - e_hat)[train], features[train]
    size = u @ u
    c = v @ u / size
    rest = v - c * u
    s = np.sqrt(rest @ rest / size)
    error = rest / s - u * (phi @ w)
    gradient = -2 * phi.T @ error / size + weight_decay * w
    w = w - lr * gradient
    return w, c + s * (features @ w)
