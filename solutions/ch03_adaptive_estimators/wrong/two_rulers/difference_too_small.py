"""Wrong: coarse and fine bins over the same range agree too much."""

import numpy as np


def two_rulers(h):
    """Codes under a ruler that compresses and one that keeps, and what each is blind to."""
    fixed = np.searchsorted(np.linspace(-1, 1, 30), h, side="right").astype(np.int64)
    coarse = np.searchsorted(np.linspace(-1, 1, 15), h, side="right").astype(np.int64)
    invariances = {
        "compresses": {"scale": False, "shift": False, "monotone": False},
        "keeps": {"scale": False, "shift": False, "monotone": False},
    }
    return {"compresses": fixed, "keeps": coarse, "invariances": invariances}
