"""Wrong: divides counts by N - 1, so that shares do not add up to 1."""

import numpy as np


def plugin_information(bins, y):
    """I(X;T) and I(Y;T) of one digitised layer."""
    if len(bins) != len(y):
        raise ValueError(f"y has {len(y)} labels; expected {len(bins)}")

    def entropy(rows):
        p = np.unique(rows, axis=0, return_counts=True)[1] / max(len(rows) - 1, 1)  # wrong: a share is a count over N
        return float(-(p * np.log2(p)).sum())

    ixt, joint = entropy(bins), entropy(np.column_stack([bins, y]))
    return ixt, ixt + entropy(y) - joint
