"""Wrong: any word passes as a prior."""

import math

import numpy as np


def what_failed(gaps, bounds, learned, prior, delta):
    """One word for each study."""
    words = []
    for r in range(len(gaps)):
        n_sets = len(gaps[r])
        broken = np.sum(gaps[r] > bounds[r]) / n_sets > delta + 3 * math.sqrt(delta * (1 - delta) / n_sets)
        vacuous = np.min(bounds[r]) >= 1
        if learned[r] and prior[r] != "before":
            words.append("no promise")
        elif broken:
            words.append("refuted")
        elif vacuous:
            words.append("vacuous")
        else:
            words.append("holds")
    return words
