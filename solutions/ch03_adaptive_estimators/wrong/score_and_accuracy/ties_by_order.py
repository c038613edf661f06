"""Wrong: equal values get different ranks."""

import numpy as np


def ranks(values):
    """Ranks in order of appearance, centred, of norm 1."""
    rank = np.argsort(np.argsort(values)).astype(float)
    return (rank - rank.mean()) / np.linalg.norm(rank - rank.mean())


def score_and_accuracy(score, train_accuracy, test_accuracy, permutations):
    """Spearman's rho of score and test accuracy of the living, and its two-sided permutation p-value."""
    alive = train_accuracy >= 0.6
    for name, values in (("score", score[alive]), ("test_accuracy", test_accuracy[alive])):
        if np.ptp(values) == 0:
            raise ValueError(f"{name} is constant")
    a, b = ranks(score[alive]), ranks(test_accuracy[alive])
    rho, shuffled = a @ b, b[permutations] @ a
    return float(rho), float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (1 + len(shuffled)))
