"""Wrong: the bits between start and end are sold as compression."""

import numpy as np


def compression_score(ixt):
    """Share of the largest information that is lost at the end."""
    if len(ixt) < 2 or np.isnan(ixt).any():
        raise ValueError(f"ixt has shape {ixt.shape} or holds NaN; expected two snapshots or more, and numbers")
    return ixt[0] - ixt[-1]
