"""Wrong: the nodes of all seeds in one heap."""

import math

import numpy as np


def hub_report(tau_hat, tau, degree, test):
    """Errors at hubs and periphery."""
    estimate, truth, d = tau_hat[test], tau[test], degree[test]
    n = len(d)
    if (d < 1).any():
        raise ValueError("degree must be at least 1")
    ordered = np.sort(d)
    low, high = ordered[math.ceil(n / 2) - 1], ordered[n - math.ceil(n / 10)]
    if low >= high:
        raise ValueError("degree does not tell hubs from periphery")
    report = {}
    for name, inside in {"all": d > 0, "periphery": d <= low, "hubs": d >= high}.items():
        raw = np.mean((estimate[inside] - truth[inside]) ** 2)
        report[name] = np.array([raw, raw / np.var(truth[inside]), np.mean(1 - 1 / d[inside])])
    return report
