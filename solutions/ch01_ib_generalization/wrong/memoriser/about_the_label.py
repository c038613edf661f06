"""Wrong: I(Y;Z) for I(X;Z|Y)."""

import math

import numpy as np


def memoriser(labels, train, n_classes, delta):
    """A lookup table: what it knows, its gap, two bounds."""
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta}; expected a probability in (0, 1)")
    if (train < 0).any() or (train >= len(labels)).any():
        raise ValueError("train holds values that do not exist")
    n, n_values = len(train), len(labels)
    codes = np.zeros(n_values, dtype=np.int64)
    codes[train] = labels[train] + 1
    k = len(np.unique(train))
    information, cells, weight, errors = 0.0, 0, 0.0, 0.0
    for y in range(n_classes):
        of_label = (labels == y).sum()
        inside, outside = ((labels == y) & (codes > 0)).sum(), ((labels == y) & (codes == 0)).sum()
        for part in (inside, outside):
            if part > 0:
                information -= part / n_values * math.log(part / of_label)
                cells += 1
        if y > 0:
            weight += math.sqrt(2 * outside / n_values)
            errors += outside / n_values
    price = math.log(n) + math.lgamma(n_values + 1) - math.lgamma(k + 1) - math.lgamma(n_values - k + 1)
    share = np.bincount(codes) / n_values
    information = -(share[share > 0] * np.log(share[share > 0])).sum() - information
    cost = math.log(cells) + math.log(1 / delta)
    fixed = weight * math.sqrt(cost / n)
    learned = weight * math.sqrt((cost + price) / n)
    return {"codes": codes, "information": information, "gap": errors, "fixed": fixed, "learned": learned}
