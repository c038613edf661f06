"""Wrong: bins are floating-point numbers."""

import numpy as np


def digitize(h, edges):
    """Bin of each value."""
    if h.min() < edges[0]:
        raise ValueError(f"h holds {h.min()}, below the first edge {edges[0]}")
    # wrong: an index is an integer
    return np.digitize(h, edges) - 1.0
