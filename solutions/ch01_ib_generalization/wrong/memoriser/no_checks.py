"""Wrong: bad input passes."""

import math

import numpy as np


def memoriser(labels, train, n_classes, delta):
    """A lookup table: what it knows, its gap, two bounds."""
    train = train % len(labels)
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
    cost = math.log(cells) + math.log(1 / delta)
    fixed = weight * math.sqrt(cost / n)
    learned = weight * math.sqrt((cost + price) / n)
    return {"codes": codes, "information": information, "gap": errors, "fixed": fixed, "learned": learned}
