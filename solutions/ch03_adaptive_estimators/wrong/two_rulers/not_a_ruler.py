"""Wrong: codes number the places and never look at the values."""

import numpy as np


def two_rulers(h):
    """Codes under a ruler that compresses and one that keeps, and what each is blind to."""
    fixed = np.searchsorted(np.linspace(-1, 1, 30), h, side="right").astype(np.int64)
    invariances = {
        "compresses": {"scale": False, "shift": False, "monotone": False},
        "keeps": {"scale": True, "shift": True, "monotone": True},
    }
    return {
        "compresses": fixed,
        "keeps": np.broadcast_to(np.arange(h[0].size).reshape(h[0].shape), h.shape).copy(),
        "invariances": invariances,
    }
