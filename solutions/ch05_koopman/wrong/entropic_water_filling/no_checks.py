"""Wrong: a gamma of 0 or below passes."""

import math

import numpy as np
from scipy.optimize import brentq


def entropic_water_filling(g, power, gamma):
    """Powers that maximise the information plus gamma times their entropy."""
    pull = abs(gamma / power) or 1.0

    def excess(s, gain, mu=0.0):
        return gain / (2 * (1 + gain * power * math.exp(s))) - pull * (s + 1) - mu

    def log_shares(mu):
        return np.array([brentq(excess, -2 - mu / pull, 2.0, args=(gain, mu)) for gain in g])

    # The strongest mode alone would have a share of e at the first mu, and at most 1 / (e d) at the second.
    low, high = excess(1.0, g.max()), excess(-1 - math.log(len(g)), g.max())
    mu = brentq(lambda mu: math.log(np.exp(log_shares(mu)).sum()), low, high)
    shares = np.exp(log_shares(mu))
    return power * shares / shares.sum()
