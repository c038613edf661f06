"""Wrong: packs all units into one int64, which wraps around when there are many."""

import numpy as np


def plugin_information(bins, y):
    """I(X;T) and I(Y;T) of one digitised layer."""
    if len(bins) != len(y):
        raise ValueError(f"y has {len(y)} labels; expected {len(bins)}")

    def entropy(rows):
        p = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
        return float(-(p * np.log2(p)).sum())

    digits = bins - bins.min()
    base = digits.max() + 1
    codes = np.zeros(len(bins), dtype=np.int64)
    for unit in digits.T:
        codes = codes * base + unit  # wrong: 40 units in 30 bins need 197 bits
    ixt, joint = entropy(codes), entropy(np.column_stack([codes, y]))
    return ixt, ixt + entropy(y) - joint
