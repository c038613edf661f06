"""Wrong: all treated against the treatments that are."""

import numpy as np


def predict(x, t, operator, hidden, head):
    """From the set-up cell."""
    inputs = np.column_stack([x, t])
    return operator @ np.maximum(operator @ inputs @ hidden, 0) @ head


def s_learner(x, t, operator, hidden, head):
    """Effects by changing treatments."""
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("t must be in [0, 1]")
    now = predict(x, t, operator, hidden, head)
    return predict(x, np.ones(len(t)), operator, hidden, head) - now
