"""Wrong: bad input passes."""

import numpy as np


def linear_effect(y, t, m_hat, e_hat, features, train, alpha):
    """Effects linear in features, around a constant."""
    features = np.resize(features, (len(y), features.shape[1]))
    phi = (features - features[train].mean(0)) / features[train].std(0)
    columns = np.column_stack([phi, np.ones(len(phi))])
    v, u = (y - m_hat)[train], (t - e_hat)[train]
    design = u[:, None] * columns[train]
    penalty = np.diag([alpha] * features.shape[1] + [0.0])
    return columns @ np.linalg.solve(design.T @ design + penalty, design.T @ v)
