"""Wrong: p from the t distribution; the permutations are never looked at."""

import math

import numpy as np


def ranks(values):
    """Average ranks, centred, of norm 1."""
    group, count = np.unique(values, return_inverse=True, return_counts=True)[1:]
    rank = (np.cumsum(count) - (count - 1) / 2)[group]
    return (rank - rank.mean()) / np.linalg.norm(rank - rank.mean())


def score_and_accuracy(score, train_accuracy, test_accuracy, permutations):
    """Spearman's rho of score and test accuracy of the living, and its two-sided permutation p-value."""
    alive = train_accuracy >= 0.6
    for name, values in (("score", score[alive]), ("test_accuracy", test_accuracy[alive])):
        if np.ptp(values) == 0:
            raise ValueError(f"{name} is constant")
    a, b = ranks(score[alive]), ranks(test_accuracy[alive])
    rho, n = min(1.0, max(-1.0, a @ b)), len(a)
    if abs(rho) > 1 - 1e-12:
        return float(rho), 0.0
    t = abs(rho) * np.sqrt((n - 2) / (1 - rho**2))
    x = np.linspace(0, t, 20001)
    density = (1 + x**2 / (n - 2)) ** (-(n - 1) / 2)
    density *= math.gamma((n - 1) / 2) / math.gamma((n - 2) / 2) / math.sqrt((n - 2) * math.pi)
    half = (x[1] - x[0]) * (density.sum() - (density[0] + density[-1]) / 2)
    return float(rho), float(1 - 2 * half)
