"""Wrong: bad input passes."""

import numpy as np


def r_loss_step(w, features, y, t, m_hat, e_hat, train, lr, weight_decay):
    """One step of descent on the R-loss."""
    v, u, phi = (y - m_hat)[train], (t - e_hat)[train], features[train]
    size = u @ u
    c = v @ u / size
    rest = v - c * u
    s = np.sqrt(rest @ rest / size)
    error = rest / s - u * (phi @ w)
    gradient = -2 * phi.T @ (u * error) / size + weight_decay * w
    w = w - lr * gradient
    return w, c + s * (features @ w)
