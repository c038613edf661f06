"""Wrong: bad input passes."""


def constant_effect(y, t, m_hat, e_hat, train):
    """One effect for all nodes."""
    v, u = (y - m_hat)[train], (t - e_hat)[train]
    return float(v @ u / max(u @ u, 1e-12))
