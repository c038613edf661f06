"""Wrong: the plain mean of the ratios."""

import numpy as np


def constant_effect(y, t, m_hat, e_hat, train):
    """One effect for all nodes."""
    if not train.any():
        raise ValueError(f"train selects none of {len(train)} nodes; expected at least one")
    v, u = (y - m_hat)[train], (t - e_hat)[train]
    if not u.any():
        raise ValueError(f"e_hat equals t at all {len(u)} training nodes; expected some that differ")
    return float(np.mean(v / u))
