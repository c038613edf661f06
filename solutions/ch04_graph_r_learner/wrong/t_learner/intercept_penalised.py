"""Wrong: the intercept is penalised like a slope."""

import numpy as np


def t_learner(features, y, t, train, alpha):
    """Effects from two ridge regressions."""
    if ((t != 0) & (t != 1)).any():
        raise ValueError("t must hold 0 and 1 only")
    if not (train & (t == 0)).any() or not (train & (t == 1)).any():
        raise ValueError("train has one arm only")

    columns = np.column_stack([features, np.ones(len(y))])

    def predict(rows):
        phi = columns[rows]
        w = np.linalg.solve(phi.T @ phi + alpha * np.eye(phi.shape[1]), phi.T @ y[rows])
        return columns @ w

    return predict(train & (t == 1)) - predict(train & (t == 0))
