"""Wrong: the textbook formula with squared differences, which is wrong where values tie."""

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
    a, b = ranks(score[alive]), ranks(test_accuracy[alive])
    n = len(a)
    rho = 1 - 6 * ((a - b) ** 2).sum() / (n * (n**2 - 1))
    shuffled = 1 - 6 * ((a - b[permutations]) ** 2).sum(axis=1) / (n * (n**2 - 1))
    return float(rho), float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (1 + len(shuffled)))
