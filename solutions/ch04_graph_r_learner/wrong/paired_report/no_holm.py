"""Wrong: p-values as they are."""

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
    """The p-values as they are."""
    return np.array(p)


def paired_report(errors, reference, level):
    """Every method against the reference."""
    if reference not in errors:
        raise ValueError("reference is not in the table")
    if len({values.shape for values in errors.values()}) > 1:
        raise ValueError("errors must have one shape")
    others = [name for name in errors if name != reference]
    pairs = [errors[name].mean(axis=1) - errors[reference].mean(axis=1) for name in others]
    m, seeds = len(others), len(errors[reference])
    t = holm([student_p(d.mean() / (d.std(ddof=1) / np.sqrt(len(d))), len(d) - 1) for d in pairs])
    w = holm([signed_rank_p(d) for d in pairs])
    report = {}
    for i, d in enumerate(pairs):
        if m * 2.0 ** (1 - seeds) >= level:
            claim = "too few seeds"
        elif w[i] >= level:
            claim = "undecided"
        else:
            claim = "reference lower" if d.mean() > 0 else "reference higher"
        row = {"difference": float(d.mean()), "wins": int((d > 0).sum()), "claim": claim}
        report[others[i]] = row | {"t_holm": float(t[i]), "wilcoxon_holm": float(w[i])}
    return report
