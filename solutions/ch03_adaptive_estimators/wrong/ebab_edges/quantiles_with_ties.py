"""Wrong: quantiles of all values, each as often as it occurs."""

import numpy as np


def ebab_edges(h, n_bins, floor):
    """Left edges of one layer's adaptive bins."""
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; expected at least 1")
    if np.isnan(h).any():
        raise ValueError("h holds NaN; expected numbers")
    if floor is not None and h.min() < floor:
        raise ValueError(f"h holds {h.min()}, below the floor {floor}")
    # wrong: half of the values are 0, and so are half of the edges
    edges = np.quantile(h, np.linspace(0, 1, n_bins + 1))
    return edges if floor is None else np.append(floor, edges)
