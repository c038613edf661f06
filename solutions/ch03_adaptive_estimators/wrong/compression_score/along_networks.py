"""Wrong: the maximum runs over networks instead of snapshots."""

import numpy as np


def compression_score(ixt):
    """Share of the largest information that is lost at the end."""
    if len(ixt) < 2 or np.isnan(ixt).any():
        raise ValueError(f"ixt has shape {ixt.shape} or holds NaN; expected two snapshots or more, and numbers")
    largest = ixt.max(axis=1)
    return 1 - ixt[-1] / largest[-1]
