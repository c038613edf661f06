"""Wrong: the smallest one-step error is taken for the correct run."""

import numpy as np


def diagnose(runs):
    """Which run is correct, had the wrong entropy sign, averaged its operator."""
    if len(runs) != 3:
        raise ValueError(f"there are {len(runs)} runs; expected 3")
    misfits = []
    for run in runs:
        z, K = run["z"], run["K"]
        misfits.append(((z[:, 1:] - z[:, :-1] @ K.T) ** 2).mean() / z.var())
    correct, averaged = int(np.argmin(misfits)), int(np.argmax(misfits))
    return {"correct": correct, "entropy_sign": 3 - correct - averaged, "averaged": averaged}
