"""Wrong: bad input passes."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from two ridge regressions."""

    def predict(rows):
        mean, level = features[rows].mean(0), y[rows].mean()
        phi = features[rows] - mean
        w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ (y[rows] - level))
        return level + (features - mean) @ w

    return predict(train & (t == 1)) - predict(train & (t == 0))
