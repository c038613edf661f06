"""Wrong: the floor counts as one of the distinct values."""

import numpy as np


def ebab_edges(h, n_bins, floor):
    """Left edges of one layer's adaptive bins."""
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; expected at least 1")
    if np.isnan(h).any():
        raise ValueError("h holds NaN; expected numbers")
    if floor is not None and h.min() < floor:
        raise ValueError(f"h holds {h.min()}, below the floor {floor}")
    # wrong: u holds the floor, which has an edge of its own already
    u = np.unique(h)
    edges = u[np.append(np.arange(n_bins) * len(u) // n_bins, -1)]
    return edges if floor is None else np.append(floor, edges)
