"""Wrong: fitted to all nodes."""

import numpy as np


def linear_effect(y, t, m_hat, e_hat, features, train, alpha):
    """Effects linear in features, around a constant."""
    if len(features) != len(y):
        raise ValueError(f"features has {len(features)} rows; expected {len(y)}, one for each node")
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}; expected a number >= 0")
    phi = (features - features[train].mean(0)) / features[train].std(0)
    columns = np.column_stack([phi, np.ones(len(phi))])
    v, u = y - m_hat, t - e_hat
    design = u[:, None] * columns
    penalty = np.diag([alpha] * features.shape[1] + [0.0])
    return columns @ np.linalg.solve(design.T @ design + penalty, design.T @ v)
