"""Wrong: one regression on features, treatment and their products."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from one ridge regression."""
    if ((t != 0) & (t != 1)).any():
        raise ValueError("t must hold 0 and 1 only")
    if not (train & (t == 0)).any() or not (train & (t == 1)).any():
        raise ValueError("train has one arm only")

    def columns(arm):
        return np.column_stack([features, arm, features * arm[:, None]])

    known = columns(t)[train]
    mean, level = known.mean(0), y[train].mean()
    phi = known - mean
    w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ (y[train] - level))
    return columns(np.ones(len(t))) @ w - columns(np.zeros(len(t))) @ w
