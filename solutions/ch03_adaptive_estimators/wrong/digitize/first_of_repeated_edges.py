"""Wrong: takes the first of several equal edges."""

import numpy as np


def digitize(h, edges):
    """Bin of each value."""
    if h.min() < edges[0]:
        raise ValueError(f"h holds {h.min()}, below the first edge {edges[0]}")
    # wrong: argmax finds the first place where the last edge at or below h stands
    below = np.where(edges <= h[..., None], edges, -np.inf)
    return below.argmax(axis=-1)
