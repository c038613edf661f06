"""Wrong: a multiplier that is never above 0, as for I <= c."""

import numpy as np

SIGNAL = np.array([2.0, 1.0, 0.5, 0.1])
DECAY = 0.1


def information(weights):
    """From the set-up cell."""
    return 0.5 * np.log1p(weights**2).sum(axis=1)


def information_gradient(weights):
    """From the set-up cell."""
    return weights / (1 + weights**2)


def loss_gradient(weights):
    """From the set-up cell."""
    return weights * (DECAY - 2 * SIGNAL / (1 + weights**2) ** 2)


def hold_information(weights, target, lr, rate, steps):
    """Weights, multipliers and information of a dual ascent."""
    if target.shape != (len(weights),):
        raise ValueError("target must be one number a model")
    if (rate < 0).any():
        raise ValueError("rate must be >= 0")
    multiplier = np.zeros(len(weights))
    multipliers, held = [multiplier], [information(weights)]
    for _ in range(steps):
        gap = target - held[-1]
        pull = loss_gradient(weights) - multiplier[:, None] * information_gradient(weights)
        weights = weights - lr * pull
        multiplier = np.minimum(multiplier + rate * gap, 0.0)
        multipliers.append(multiplier)
        held.append(information(weights))
    return weights, np.array(multipliers), np.array(held)
