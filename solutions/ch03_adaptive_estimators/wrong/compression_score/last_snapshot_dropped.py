"""Wrong: the maximum leaves out the last snapshot, so that a network that only gains scores below 0."""

import numpy as np


def compression_score(ixt):
    """Share of the largest information that is lost at the end."""
    if len(ixt) < 2 or np.isnan(ixt).any():
        raise ValueError(f"ixt has shape {ixt.shape} or holds NaN; expected two snapshots or more, and numbers")
    largest = ixt[:-1].max(axis=0)
    return np.where(largest > 0, 1 - ixt[-1] / np.where(largest > 0, largest, 1), 0.0)
