"""Wrong: stops before the code that makes it enough."""

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
    order = np.argsort(-q, axis=0, kind="stable")
    falling = np.take_along_axis(q, order, axis=0)
    kept = (np.cumsum(falling, axis=0) <= (1 - atypical_mass) * q.sum(axis=0)) & (falling > 0)
    typical = np.zeros(q.shape, dtype=bool)
    np.put_along_axis(typical, order, kept, axis=0)
    cells = int(typical.sum())
    weight = np.sum((loss * np.sqrt(2 * q))[typical])
    atypical = np.sum((loss * q)[~typical])
    bound = weight * math.sqrt((math.log(max(cells, 1)) + math.log(1 / delta)) / n) + atypical
    gap = np.sum(loss * q) - np.sum(loss * counts) / n
    return {"gap": gap, "cells": cells, "weight": weight, "atypical": atypical, "bound": bound}
