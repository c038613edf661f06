"""Wrong: both arms are centred at the mean of all training nodes."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from two ridge regressions."""
    if ((t != 0) & (t != 1)).any():
        raise ValueError("t must hold 0 and 1 only")
    if not (train & (t == 0)).any() or not (train & (t == 1)).any():
        raise ValueError("train has one arm only")

    def predict(rows):
        mean, level = features[train].mean(0), y[train].mean()
        phi = features[rows] - mean
        w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ (y[rows] - level))
        return level + (features - mean) @ w

    return predict(train & (t == 1)) - predict(train & (t == 0))
