"""Wrong: both models learn from all training nodes, with the other arm's outcomes set to 0."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from two ridge regressions."""
    if ((t != 0) & (t != 1)).any():
        raise ValueError("t must hold 0 and 1 only")
    if not (train & (t == 0)).any() or not (train & (t == 1)).any():
        raise ValueError("train has one arm only")

    def predict(target):
        mean, level = features[train].mean(0), target[train].mean()
        phi = features[train] - mean
        w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ (target[train] - level))
        return level + (features - mean) @ w

    return predict(y * t) - predict(y * (1 - t))
