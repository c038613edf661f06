"""Wrong: the variance has the divisor N - 1."""

import math

import numpy as np


def hub_report(tau_hat, tau, degree, test):
    """Errors at hubs and periphery."""
    rows = {"all": [], "periphery": [], "hubs": []}
    for s in range(len(tau)):
        keep = test[s]
        estimate, truth, d = tau_hat[s][keep], tau[s][keep], degree[s][keep]
        n = len(d)
        if (d < 1).any():
            raise ValueError("degree must be at least 1")
        ordered = np.sort(d)
        low, high = ordered[math.ceil(n / 2) - 1], ordered[n - math.ceil(n / 10)]
        if low >= high:
            raise ValueError("degree does not tell hubs from periphery")
        members = {"all": d > 0, "periphery": d <= low, "hubs": d >= high}
        for name, inside in members.items():
            raw = np.mean((estimate[inside] - truth[inside]) ** 2)
            share = raw / np.var(truth[inside], ddof=1)
            curve = np.mean(1 - 1 / d[inside])
            rows[name].append([raw, share, curve])
    return {name: np.mean(values, axis=0) for name, values in rows.items()}
