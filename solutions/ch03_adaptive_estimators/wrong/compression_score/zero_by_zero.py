"""Wrong: a network that is 0 throughout gives NaN."""

import numpy as np


def compression_score(ixt):
    """Share of the largest information that is lost at the end."""
    if len(ixt) < 2 or np.isnan(ixt).any():
        raise ValueError(f"ixt has shape {ixt.shape} or holds NaN; expected two snapshots or more, and numbers")
    with np.errstate(invalid="ignore"):
        return 1 - ixt[-1] / ixt.max(axis=0)
