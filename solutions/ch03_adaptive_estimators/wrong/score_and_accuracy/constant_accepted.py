"""Wrong: a constant sample gives NaN instead of an error."""

import numpy as np


def ranks(values):
    """Average ranks, centred, of norm 1."""
    group, count = np.unique(values, return_inverse=True, return_counts=True)[1:]
    rank = (np.cumsum(count) - (count - 1) / 2)[group]
    with np.errstate(invalid="ignore"):
        return (rank - rank.mean()) / np.linalg.norm(rank - rank.mean())


def score_and_accuracy(score, train_accuracy, test_accuracy, permutations):
    """Spearman's rho of score and test accuracy of the living, and its two-sided permutation p-value."""
    alive = train_accuracy >= 0.6
    a, b = ranks(score[alive]), ranks(test_accuracy[alive])
    rho, shuffled = a @ b, b[permutations] @ a
    return float(rho), float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (1 + len(shuffled)))
