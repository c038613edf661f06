"""Wrong: each unit has edges of its own."""

import numpy as np


def two_rulers(h):
    """Codes under a ruler that compresses and one that keeps, and what each is blind to."""
    low, high = h.min(axis=1, keepdims=True), h.max(axis=1, keepdims=True)
    follows = np.minimum(30 * (h - low) / (high - low), 29).astype(np.int64)
    net_input = np.floor(np.arctanh(np.clip(h, -1 + 1e-7, 1 - 1e-7)) / 0.5).astype(np.int64)
    invariances = {
        "compresses": {"scale": True, "shift": True, "monotone": False},
        "keeps": {"scale": False, "shift": False, "monotone": False},
    }
    return {"compresses": follows, "keeps": net_input, "invariances": invariances}
