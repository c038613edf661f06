"""Wrong: held-out nodes get the mean over all folds' models."""

import numpy as np


def neighbour_means(values, edge_index):
    """From the set-up cell."""
    total, degree = np.zeros(values.shape), np.zeros((len(values), 1))
    np.add.at(total, edge_index[0], values[edge_index[1]])
    np.add.at(degree, edge_index[0], 1.0)
    return total / np.maximum(degree, 1.0)


def predict_outcome(features, target, new):
    """From the set-up cell."""
    target = np.clip(target, -2.0, 2.0)
    gram = features.T @ features + np.eye(features.shape[1])
    return new @ np.linalg.solve(gram, features.T @ target)


def predict_treatment(features, t, new):
    """From the set-up cell."""
    columns, w = np.column_stack([np.ones(len(features)), features]), np.zeros(features.shape[1] + 1)
    for _ in range(10):  # Newton steps, with the penalty |w|^2 / 2
        p = 1 / (1 + np.exp(-columns @ w))
        curvature = (columns.T * (p * (1 - p))) @ columns + np.eye(len(w))
        w = w + np.linalg.solve(curvature, columns.T @ (t - p) - w)
    return 1 / (1 + np.exp(-np.column_stack([np.ones(len(new)), new]) @ w))


def cross_fit_nodes(x, edge_index, y, t, train, fold):
    """Outcome and propensity of every node, cross-fitted."""
    if not np.isin(t[train], (0, 1)).all():
        raise ValueError(f"t holds {np.unique(t[train])} at training nodes; expected 0 and 1 only")
    features = np.hstack([x, neighbour_means(x, edge_index)])
    m_hat, e_hat = np.zeros(len(y)), np.zeros(len(y))
    folds = np.unique(fold)
    for k in folds:
        own = fold == k
        if len(np.unique(t[train & own])) < 2:
            raise ValueError(f"fold {k} has training nodes of one arm, or none; expected treated and untreated ones")
        learn = train & ~own
        mean, sd = y[learn].mean(), y[learn].std()
        m_all = mean + sd * predict_outcome(features[learn], (y[learn] - mean) / sd, features)
        e_all = np.clip(predict_treatment(features[learn], t[learn], features), 0.02, 0.98)
        inside = train & own
        m_hat[inside], e_hat[inside] = m_all[inside], e_all[inside]
        m_hat[~train] += m_all[~train] / len(folds)
        e_hat[~train] += e_all[~train] / len(folds)
    return m_hat, np.clip(e_hat, 0.02, 0.98)
