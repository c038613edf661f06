"""Wrong: the largest spread is taken for the correct run."""

import numpy as np


def diagnose(runs):
    """Which run is correct, had the wrong entropy sign, averaged its operator."""
    if len(runs) != 3:
        raise ValueError(f"there are {len(runs)} runs; expected 3")
    entropies = []
    for run in runs:
        z, K = run["z"], run["K"]
        d = len(K)
        shares = np.linalg.eigvalsh(np.cov(z.reshape(-1, d).T)).clip(1e-300)
        shares /= shares.sum()
        entropies.append(-(shares * np.log(shares)).sum())
    sign, averaged, correct = (int(i) for i in np.argsort(entropies))
    return {"correct": correct, "entropy_sign": sign, "averaged": averaged}
