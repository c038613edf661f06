"""Made-up layers for the questions about bins: small, and hard in the ways that real layers are."""

import numpy as np
import torch

from corelib.information import digitize, ebab_edges


def tanh_layer(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Activity in (-1, 1), all values distinct, shape ``(n, d)``, float64."""
    return np.tanh(rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, size=d))


def relu_layer(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Activity of which half is exactly 0 (``n d`` even) and the rest distinct, shape ``(n, d)``, float64."""
    z = rng.normal(size=(n, d)) * rng.uniform(0.5, 20.0, size=d)
    return np.maximum(z - np.median(z), 0.0)


def edges_of(h: np.ndarray, n_bins: int, floor: float | None) -> np.ndarray:
    """EBAB's edges of one layer ``(n, d)``, by corelib."""
    return ebab_edges(torch.from_numpy(h)[None], n_bins, floor=floor)[0].numpy()


def bins_of(h: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value of one layer ``(n, d)``, int64, by corelib."""
    return digitize(torch.from_numpy(h)[None], torch.from_numpy(edges))[0].numpy()
