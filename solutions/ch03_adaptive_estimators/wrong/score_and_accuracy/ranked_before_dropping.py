"""Wrong: all networks are ranked, then the dead ones are dropped."""

import numpy as np


def ranks(values):
    """Average ranks."""
    group, count = np.unique(values, return_inverse=True, return_counts=True)[1:]
    rank = (np.cumsum(count) - (count - 1) / 2)[group]
    return rank


def score_and_accuracy(score, train_accuracy, test_accuracy, permutations):
    """Spearman's rho of score and test accuracy of the living, and its two-sided permutation p-value."""
    alive = train_accuracy >= 0.6
    for name, values in (("score", score[alive]), ("test_accuracy", test_accuracy[alive])):
        if np.ptp(values) == 0:
            raise ValueError(f"{name} is constant")
    a, b = ranks(score)[alive], ranks(test_accuracy)[alive]
    a, b = (a - a.mean()) / np.std(a), (b - b.mean()) / np.std(b)
    rho, shuffled = a @ b / len(a), b[permutations] @ a / len(a)
    return float(rho), float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (1 + len(shuffled)))
