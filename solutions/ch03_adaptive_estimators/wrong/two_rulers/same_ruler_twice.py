"""Wrong: one ruler under two names."""

import numpy as np


def two_rulers(h):
    """Codes under a ruler that compresses and one that keeps, and what each is blind to."""
    low, high = h.min(axis=(1, 2), keepdims=True), h.max(axis=(1, 2), keepdims=True)
    follows = np.minimum(30 * (h - low) / (high - low), 29).astype(np.int64)
    invariances = {
        "compresses": {"scale": True, "shift": True, "monotone": False},
        "keeps": {"scale": True, "shift": True, "monotone": False},
    }
    return {"compresses": follows, "keeps": follows, "invariances": invariances}
