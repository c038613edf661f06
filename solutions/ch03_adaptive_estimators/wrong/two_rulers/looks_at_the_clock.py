"""Wrong: fewer and fewer bins as training goes on, whatever the values."""

import numpy as np


def two_rulers(h):
    """Codes under a ruler that compresses and one that keeps, and what each is blind to."""
    low, high = h.min(axis=(1, 2), keepdims=True), h.max(axis=(1, 2), keepdims=True)
    n_bins = np.linspace(30, 2, len(h)).round()[:, None, None]
    by_time = np.minimum(n_bins * (h - low) / (high - low), n_bins - 1).astype(np.int64)
    net_input = np.floor(np.arctanh(np.clip(h, -1 + 1e-7, 1 - 1e-7)) / 0.5).astype(np.int64)
    invariances = {
        "compresses": {"scale": True, "shift": True, "monotone": False},
        "keeps": {"scale": False, "shift": False, "monotone": False},
    }
    return {"compresses": by_time, "keeps": net_input, "invariances": invariances}
