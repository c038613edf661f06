"""Wrong: nats times ln 2, which are no bits."""

import math

import numpy as np


def log_density(z, mean, std):
    """Log densities of draws under codes, from the set-up cell."""
    terms = [
        -0.5 * np.square((z[:, [k]] - mean[:, k]) / std[:, k]) - np.log(math.sqrt(2 * math.pi) * std[:, k])
        for k in range(z.shape[1])
    ]
    return sum(terms)


def conditional_information(z, mean, std, labels):
    """I(X;Z|Y) and I(Y;Z), nats."""
    if labels.shape != (len(z),):
        raise ValueError("labels must be one for each input")

    def mc(z, mean, std):
        log_p = log_density(z, mean, std)
        top = log_p.max(axis=1)
        crowd = top + np.log(np.exp(log_p - top[:, None]).mean(axis=1))
        return float((np.diag(log_p) - crowd).mean())

    beyond = 0.0
    for label in np.unique(labels):
        own = labels == label
        beyond += own.mean() * mc(z[own], mean[own], std[own])
    whole = mc(z, mean, std)
    return float(beyond * np.log(2)), float((whole - beyond) * np.log(2))
