"""Wrong: the label is packed into a single bit."""

import numpy as np


def plugin_information(bins, y):
    """I(X;T) and I(Y;T) of one digitised layer."""
    if len(bins) != len(y):
        raise ValueError(f"y has {len(y)} labels; expected {len(bins)}")

    def entropy(rows):
        p = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
        return float(-(p * np.log2(p)).sum())

    codes = np.unique(bins, axis=0, return_inverse=True)[1].reshape(-1)
    # wrong: with three classes, label 2 spills into the bits of the code
    ixt, joint = entropy(codes), entropy(codes << 1 | y)
    return ixt, ixt + entropy(y) - joint
