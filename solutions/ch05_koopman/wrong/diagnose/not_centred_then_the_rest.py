"""Wrong: the spread has the mean in it; the averaged run is settled first."""

import numpy as np

RIDGE = 0.1


def diagnose(runs):
    """Which run is correct, had the wrong entropy sign, averaged its operator."""
    if len(runs) != 3:
        raise ValueError(f"there are {len(runs)} runs; expected 3")
    entropies, misfits = [], []
    for run in runs:
        z, K = run["z"], run["K"]
        d = len(K)
        before, after = z[:, :-1].reshape(-1, d), z[:, 1:].reshape(-1, d)
        pooled = np.linalg.solve(before.T @ before + RIDGE * np.eye(d), before.T @ after).T
        misfits.append(np.linalg.norm(K - pooled) / np.linalg.norm(pooled))
        shares = np.linalg.eigvalsh(z.reshape(-1, d).T @ z.reshape(-1, d)).clip(1e-300)
        shares /= shares.sum()
        entropies.append(-(shares * np.log(shares)).sum())
    averaged = int(np.argmax(misfits))
    entropies[averaged] = np.inf
    sign = int(np.argmin(entropies))
    return {"correct": 3 - sign - averaged, "entropy_sign": sign, "averaged": averaged}
