"""Small observational studies on random graphs, as plain arrays: the cases of several questions begin with one."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Study:
    """A study of n nodes with estimated nuisances.

    Attributes:
        x: features, float64, shape ``(n, d)``.
        edge_index: edges in both directions, int64, shape ``(2, 2E)``.
        y: outcomes, shape ``(n,)``.
        t: treatments, 0.0 or 1.0, shape ``(n,)``.
        m_hat: expected outcomes, as far as they are known, shape ``(n,)``.
        e_hat: propensities, as far as they are known, shape ``(n,)``.
        train: nodes to learn from, bool, shape ``(n,)``.
    """

    x: np.ndarray
    edge_index: np.ndarray
    y: np.ndarray
    t: np.ndarray
    m_hat: np.ndarray
    e_hat: np.ndarray
    train: np.ndarray


def draw_graph(rng: np.random.Generator, n: int, mean_degree: float = 4.0) -> np.ndarray:
    """Independent edges; nodes without any may occur.

    Args:
        rng: what draws.
        n: number of nodes.
        mean_degree: expected number of neighbours.

    Returns:
        Edges in both directions, sorted, int64, shape ``(2, 2E)``.
    """
    joined = np.triu(rng.random((n, n)) < mean_degree / max(n - 1, 1), 1)
    return np.array(np.nonzero(joined | joined.T), dtype=np.int64)


def dense_mean_operator(edge_index: np.ndarray, n: int) -> np.ndarray:
    """D^-1 A as a full matrix, ``(n, n)``; rows of nodes without neighbours are 0."""
    joined = np.zeros((n, n))
    joined[edge_index[0], edge_index[1]] = 1.0
    return joined / np.maximum(joined.sum(1, keepdims=True), 1.0)


def draw_study(rng: np.random.Generator, n: int, d: int, *, mean_effect: float = 2.0) -> Study:
    """A study in which features decide about treatment, outcome and effect.

    Args:
        rng: what draws.
        n: number of nodes, >= 8.
        d: number of features, >= 1.
        mean_effect: what the effect is where all features are 0.

    Returns:
        A :class:`Study`. Three nodes in ten are held out; both arms occur among the others, twice at least.
    """
    edge_index, x = draw_graph(rng, n), rng.normal(size=(n, d))
    around = dense_mean_operator(edge_index, n) @ x
    effect = mean_effect + x @ rng.normal(size=d) + around @ rng.normal(size=d)
    propensity = 1 / (1 + np.exp(0.7 - x[:, 0] - around[:, -1]))
    base = 1.0 + 1.5 * x[:, 0] + 2.0 * around[:, -1]
    train = np.zeros(n, dtype=bool)
    train[rng.permutation(n)[: n - round(0.3 * n)]] = True
    t = (rng.random(n) < propensity).astype(np.float64)
    t[rng.permutation(np.flatnonzero(train))[:4]] = 0.0, 1.0, 0.0, 1.0
    y = base + t * effect + rng.normal(size=n)
    m_hat = base + propensity * effect + 0.3 * rng.normal(size=n)
    e_hat = np.clip(propensity + 0.05 * rng.normal(size=n), 0.05, 0.95)
    return Study(x, edge_index, y, t, m_hat, e_hat, train)
