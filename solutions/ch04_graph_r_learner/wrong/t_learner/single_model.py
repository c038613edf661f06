"""Wrong: one regression with the treatment as a column."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from one ridge regression."""
    if ((t != 0) & (t != 1)).any():
        raise ValueError("t must hold 0 and 1 only")
    if not (train & (t == 0)).any() or not (train & (t == 1)).any():
        raise ValueError("train has one arm only")
    columns = np.column_stack([features, t])
    mean, level = columns[train].mean(0), y[train].mean()
    phi = columns[train] - mean
    w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ (y[train] - level))
    treated, untreated = (np.column_stack([features, np.full(len(t), arm)]) for arm in (1, 0))
    return treated @ w - untreated @ w
