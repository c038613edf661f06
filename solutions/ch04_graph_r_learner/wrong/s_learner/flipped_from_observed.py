"""Wrong: the treatment is compared with its opposite."""

import numpy as np


def predict(x, t, operator, hidden, head):
    """From the set-up cell."""
    inputs = np.column_stack([x, t])
    return operator @ np.maximum(operator @ inputs @ hidden, 0) @ head


def s_learner(x, t, operator, hidden, head):
    """Effects by changing treatments."""
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("t must be in [0, 1]")
    effects, now = np.zeros(len(t)), predict(x, t, operator, hidden, head)
    for i in range(len(t)):
        flipped = t.copy()
        flipped[i] = 1 - t[i]
        effects[i] = predict(x, flipped, operator, hidden, head)[i] - now[i]
    return effects
