"""Wrong: takes the logarithm of counts that are zero."""

import numpy as np


def plugin_information(bins, y):
    """I(X;T) and I(Y;T) of one digitised layer."""
    if len(bins) != len(y):
        raise ValueError(f"y has {len(y)} labels; expected {len(bins)}")

    def entropy(symbols):
        p = np.bincount(symbols) / len(symbols)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(-(p * np.log2(p)).sum())  # wrong: 0 * log2(0) is NaN

    codes = np.unique(bins, axis=0, return_inverse=True)[1].reshape(-1)
    labels = np.unique(y, return_inverse=True)[1]
    ixt, joint = entropy(codes), entropy(codes * (labels.max() + 1) + labels)
    return ixt, ixt + entropy(labels) - joint
