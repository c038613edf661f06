"""Wrong: values below the floor are accepted."""

import numpy as np


def ebab_edges(h, n_bins, floor):
    """Left edges of one layer's adaptive bins."""
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; expected at least 1")
    if np.isnan(h).any():
        raise ValueError("h holds NaN; expected numbers")
    # wrong: nothing asks whether a value lies below the floor
    u = np.unique(h)
    if floor is not None and u[-1] > floor:
        u = u[u != floor]
    edges = u[np.append(np.arange(n_bins) * len(u) // n_bins, -1)]
    return edges if floor is None else np.append(floor, edges)
