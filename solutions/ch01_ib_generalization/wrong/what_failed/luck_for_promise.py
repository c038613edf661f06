"""Wrong: an unpaid encoder with small gaps is praised."""

import math

import numpy as np


def what_failed(gaps, bounds, learned, prior, delta):
    """One word for each study."""
    words = []
    for r in range(len(gaps)):
        if prior[r] not in ("none", "before", "after"):
            raise ValueError(f"prior is {prior[r]!r}; expected none, before or after")
        n_sets = len(gaps[r])
        broken = np.sum(gaps[r] > bounds[r]) / n_sets > delta + 3 * math.sqrt(delta * (1 - delta) / n_sets)
        vacuous = np.min(bounds[r]) >= 1
        if broken:
            words.append("no promise" if learned[r] and prior[r] != "before" else "refuted")
        elif vacuous:
            words.append("vacuous")
        else:
            words.append("holds")
    return words
