"""Wrong: the smallest spectral radius is blamed on averaging."""

import numpy as np


def diagnose(runs):
    """Which run is correct, had the wrong entropy sign, averaged its operator."""
    if len(runs) != 3:
        raise ValueError(f"there are {len(runs)} runs; expected 3")
    entropies, misfits = [], []
    for run in runs:
        z, K = run["z"], run["K"]
        d = len(K)
        misfits.append(-np.abs(np.linalg.eigvals(K)).max())
        shares = np.linalg.eigvalsh(np.cov(z.reshape(-1, d).T)).clip(1e-300)
        shares /= shares.sum()
        entropies.append(-(shares * np.log(shares)).sum())
    sign = int(np.argmin(entropies))
    misfits[sign] = -np.inf
    averaged = int(np.argmax(misfits))
    return {"correct": 3 - sign - averaged, "entropy_sign": sign, "averaged": averaged}
