"""Wrong: H(T|Y) is given for I(Y;T)."""

import numpy as np


def plugin_information(bins, y):
    """I(X;T) and I(Y;T) of one digitised layer."""
    if len(bins) != len(y):
        raise ValueError(f"y has {len(y)} labels; expected {len(bins)}")

    def entropy(rows):
        p = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
        return float(-(p * np.log2(p)).sum())

    ixt, joint = entropy(bins), entropy(np.column_stack([bins, y]))
    # wrong: this is what the label leaves open
    return ixt, joint - entropy(y)
