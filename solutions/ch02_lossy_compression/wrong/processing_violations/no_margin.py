"""Wrong: every rise counts."""

import numpy as np


def processing_violations(iyt, stderr):
    """Layers that exceed an earlier one by more than two standard errors of the difference."""
    if len(stderr) != len(iyt):
        raise ValueError(f"stderr has {len(stderr)} numbers; expected {len(iyt)}")
    if np.isnan(iyt).any():
        raise ValueError("iyt holds NaN")
    found = []
    for later in range(len(iyt)):
        for earlier in range(later):
            if iyt[later] > iyt[earlier]:
                found.append(later)
                break
    return found
