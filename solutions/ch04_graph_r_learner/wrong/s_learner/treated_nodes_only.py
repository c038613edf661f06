"""Wrong: effects where the node is treated, 0 elsewhere."""

import numpy as np


def predict(x, t, operator, hidden, head):
    """From the set-up cell."""
    inputs = np.column_stack([x, t])
    return operator @ np.maximum(operator @ inputs @ hidden, 0) @ head


def s_learner(x, t, operator, hidden, head):
    """Effects by changing treatments."""
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("t must be in [0, 1]")
    effects = np.zeros(len(t))
    for i in range(len(t)):
        one, zero = t.copy(), t.copy()
        one[i], zero[i] = 1.0, 0.0
        effects[i] = (predict(x, one, operator, hidden, head) - predict(x, zero, operator, hidden, head))[i]
    return effects * (t > 0.5)
