"""Wrong: NaN and a missing error pass without a word."""

import numpy as np


def processing_violations(iyt, stderr):
    """Layers that exceed an earlier one by more than two standard errors of the difference."""
    found = []
    stderr = np.resize(stderr, len(iyt))
    for later in range(len(iyt)):
        for earlier in range(later):
            if iyt[later] - iyt[earlier] > 2 * np.hypot(stderr[later], stderr[earlier]):
                found.append(later)
                break
    return found
