"""Wrong: no column for the constant effect."""

import numpy as np


def linear_effect(y, t, m_hat, e_hat, features, train, alpha):
    """Effects linear in features, around a constant."""
    if len(features) != len(y):
        raise ValueError(f"features has {len(features)} rows; expected {len(y)}, one for each node")
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}; expected a number >= 0")
    phi = (features - features[train].mean(0)) / features[train].std(0)
    v, u = (y - m_hat)[train], (t - e_hat)[train]
    design = u[:, None] * phi[train]
    penalty = alpha * np.eye(features.shape[1])
    return phi @ np.linalg.lstsq(design.T @ design + penalty, design.T @ v, rcond=None)[0]
