"""Wrong: settings are numbered in the order in which they turn up."""

import numpy as np


def mean_ranks(values):
    """From the set-up cell."""
    smaller = (values[..., None, :] < values[..., :, None]).sum(axis=-1)
    equal = (values[..., None, :] == values[..., :, None]).sum(axis=-1)
    return smaller + (equal + 1) / 2


def league_table(networks, groups, picks):
    """Coefficients and intervals of every rate."""
    labels = list(dict.fromkeys(groups.tolist()))
    setting = np.array([labels.index(label) for label in groups])
    n = networks["n"]
    if len(labels) < 3:
        raise ValueError("groups must hold at least 3 settings")
    if (n == n[0]).all():
        raise ValueError("n must vary")

    def settle(values):
        return np.bincount(setting, values) / np.bincount(setting)

    def correlate(a, b):
        a, b = mean_ranks(a), mean_ranks(b)
        a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return (a * b).sum(axis=-1) / np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))

    gap = settle(networks["test_loss"] - networks["train_loss"])
    rates = {}
    for name, capacity in networks.items():
        if name not in ("train_loss", "test_loss", "n"):
            rates[name] = settle(np.sqrt(capacity / n))
    rates["1/sqrt(n)"] = settle(np.sqrt(1 / n))
    rho = {name: correlate(rate, gap) for name, rate in rates.items()}
    drawn = {name: correlate(rate[picks], gap[picks]) for name, rate in rates.items()}
    base = drawn["1/sqrt(n)"]
    table = {}
    for name in rates:
        kept = np.isfinite(drawn[name]) & np.isfinite(base)
        lo, hi = np.quantile(drawn[name][kept], [0.025, 0.975])
        diff_lo, diff_hi = np.quantile((drawn[name] - base)[kept], [0.025, 0.975])
        table[name] = np.array([rho[name], lo, hi, diff_lo, diff_hi])
    return table
