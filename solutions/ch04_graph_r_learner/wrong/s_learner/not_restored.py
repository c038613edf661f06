"""Wrong: nodes keep the treatment that they were given last."""

import numpy as np


def predict(x, t, operator, hidden, head):
    """From the set-up cell."""
    inputs = np.column_stack([x, t])
    return operator @ np.maximum(operator @ inputs @ hidden, 0) @ head


def s_learner(x, t, operator, hidden, head):
    """Effects by changing treatments."""
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("t must be in [0, 1]")
    effects, t = np.zeros(len(t)), t.copy()
    for i in range(len(t)):
        t[i] = 1.0
        treated = predict(x, t, operator, hidden, head)[i]
        t[i] = 0.0
        effects[i] = treated - predict(x, t, operator, hidden, head)[i]
    return effects
