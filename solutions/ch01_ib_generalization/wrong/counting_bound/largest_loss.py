"""Wrong: every cell costs the largest loss."""

import math

import numpy as np


def counting_bound(q, loss, counts, atypical_mass, delta):
    """Gap and its bound, units of the loss."""
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta}; expected a probability in (0, 1)")
    if abs(q.sum() - 1) > 1e-8:
        raise ValueError(f"q sums to {q.sum()}; expected 1")
    if (loss < 0).any():
        raise ValueError("loss is negative somewhere; expected losses >= 0")
    n = counts.sum()
    typical = np.zeros(q.shape, dtype=bool)
    for y in range(q.shape[1]):
        mass = 0.0
        for z in np.argsort(-q[:, y], kind="stable"):
            if q[z, y] > 0 and mass < (1 - atypical_mass) * q[:, y].sum():
                typical[z, y] = True
                mass += q[z, y]
    cells = int(typical.sum())
    weight = loss.max() * np.sum(np.sqrt(2 * q)[typical])
    atypical = np.sum((loss * q)[~typical])
    bound = weight * math.sqrt((math.log(cells) + math.log(1 / delta)) / n) + atypical
    gap = np.sum(loss * q) - np.sum(loss * counts) / n
    return {"gap": gap, "cells": cells, "weight": weight, "atypical": atypical, "bound": bound}
