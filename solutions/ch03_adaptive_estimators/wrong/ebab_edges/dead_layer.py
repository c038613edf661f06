"""Wrong: fails where every value is at the floor."""

import numpy as np


def ebab_edges(h, n_bins, floor):
    """Left edges of one layer's adaptive bins."""
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; expected at least 1")
    if np.isnan(h).any():
        raise ValueError("h holds NaN; expected numbers")
    if floor is not None and h.min() < floor:
        raise ValueError(f"h holds {h.min()}, below the floor {floor}")
    u = np.unique(h)
    if floor is not None:
        u = u[u != floor]  # wrong: nothing may be left to take edges from
    edges = u[np.append(np.arange(n_bins) * len(u) // n_bins, -1)]
    return edges if floor is None else np.append(floor, edges)
