"""Wrong: nobody asks what so few seeds can show."""

import numpy as np
from scipy.special import stdtr


def student_p(t, freedom):
    """From the set-up cell."""
    return 2 * stdtr(freedom, -abs(t))


def signed_rank_p(differences):
    """From the set-up cell."""
    chances = np.ones(1)
    for rank in range(1, len(differences) + 1):
        chances = (np.pad(chances, (rank, 0)) + np.pad(chances, (0, rank))) / 2
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    found = ranks[differences > 0].sum()
    return min(1.0, 2 * min(chances[: found + 1].sum(), chances[found:].sum()))


def holm(p):
    """Adjusted p-values."""
    adjusted, highest = np.zeros(len(p)), 0.0
    for k, i in enumerate(np.argsort(p)):
        highest = max(highest, (len(p) - k) * p[i])
        adjusted[i] = min(highest, 1.0)
    return adjusted


def paired_report(errors, reference, level):
    """Every method against the reference."""
    if reference not in errors:
        raise ValueError("reference is not in the table")
    if len({values.shape for values in errors.values()}) > 1:
        raise ValueError("errors must have one shape")
    others = [name for name in errors if name != reference]
    pairs = [errors[name].mean(axis=1) - errors[reference].mean(axis=1) for name in others]
    t = holm([student_p(d.mean() / (d.std(ddof=1) / np.sqrt(len(d))), len(d) - 1) for d in pairs])
    w = holm([signed_rank_p(d) for d in pairs])
    report = {}
    for i, d in enumerate(pairs):
        if w[i] >= level:
            claim = "undecided"
        else:
            claim = "reference lower" if d.mean() > 0 else "reference higher"
        row = {"difference": float(d.mean()), "wins": int((d > 0).sum()), "claim": claim}
        report[others[i]] = row | {"t_holm": float(t[i]), "wilcoxon_holm": float(w[i])}
    return report
