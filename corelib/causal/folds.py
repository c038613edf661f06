"""Folds of nodes: which part of the nuisances' data a node belongs to, so that none is predicted from its own outcome.

Message passing lets a network see the *features* of all nodes, which leaks nothing. What a fold withholds is the
treatment and outcome of its nodes.
"""

from dataclasses import dataclass

import networkx as nx
import numpy as np
import torch
from torch import Tensor

from corelib.causal.graphs import check_graph, require_integer

MODES = ("random", "cluster")


@dataclass(frozen=True)
class NodeFolds:
    """A rule that gives every node a fold, held-out nodes too.

    "random" deals out nodes blindly, the training nodes and the others each as evenly as their number allows.
    "cluster" keeps communities of the graph together: if neighbours share noise, a node's random fold is predicted
    partly from its neighbours' outcomes. Communities are found by Louvain's method, at a resolution that leaves none
    with more than half a fold of nodes, and dealt out from the largest on to the fold with the fewest training nodes.

    Args:
        n_splits: number of folds K, >= 2.
        mode: ``"random"`` or ``"cluster"``.
        seed: seed of the assignment, >= 0.

    Raises:
        ValueError: an argument out of range.

    Source: chapter 4, lesson 3; Blondel et al. (2008), as networkx has it, for the communities.
    """

    n_splits: int = 5
    mode: str = "random"
    seed: int = 0

    def __post_init__(self):
        require_integer("n_splits", self.n_splits, 2)
        require_integer("seed", self.seed, 0)
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}; expected one of {', '.join(MODES)}")

    def assign(self, edge_index: Tensor, train_mask: Tensor, t: Tensor) -> Tensor:
        """The fold of each node.

        Treatments decide nothing here: they are only looked at to refuse a fold whose training nodes are all treated
        or all untreated. So a node's fold never depends on what the fold is to withhold.

        Args:
            edge_index: the graph, shape ``(2, 2E)``.
            train_mask: nodes whose treatment and outcome may be used, bool, shape ``(n,)``.
            t: treatments, 0 or 1 at the training nodes, shape ``(n,)``.

        Returns:
            Folds 0 ... K - 1, int64, shape ``(n,)``.

        Raises:
            ValueError: shapes that do not fit, treatments other than 0 and 1, or a fold with one arm only.
        """
        train_mask = _require_mask(train_mask)
        edge_index = check_graph(edge_index, len(train_mask))
        rng = np.random.default_rng(self.seed)
        if self.mode == "random":
            fold = self._deal_nodes(train_mask, rng)
        else:
            fold = self._deal_communities(edge_index, train_mask, rng)
        return check_folds(fold, train_mask, t, n_splits=self.n_splits)

    def _deal_nodes(self, train_mask: Tensor, rng: np.random.Generator) -> Tensor:
        fold = torch.empty(len(train_mask), dtype=torch.int64)
        for part in (train_mask, ~train_mask):
            size = int(part.sum())
            fold[part] = torch.from_numpy(rng.permutation(size)) % self.n_splits
        return fold

    def _deal_communities(self, edge_index: Tensor, train_mask: Tensor, rng: np.random.Generator) -> Tensor:
        n = len(train_mask)
        if n < 2 * self.n_splits:
            raise ValueError(f"n_splits is {self.n_splits}; expected at most {n // 2} for clusters of {n} nodes")
        graph = nx.Graph()
        graph.add_nodes_from(range(n))
        graph.add_edges_from(edge_index.T.tolist())
        seed, resolution = int(rng.integers(2**31)), 1.0
        # A high enough resolution leaves single nodes, so this ends.
        while True:
            found = nx.community.louvain_communities(graph, resolution=resolution, seed=seed)
            if max(map(len, found)) <= n / (2 * self.n_splits):
                break
            resolution *= 1.5
        fold, load = torch.empty(n, dtype=torch.int64), np.zeros(self.n_splits)
        shuffled = [sorted(found[i]) for i in rng.permutation(len(found))]
        for community in sorted(shuffled, key=len, reverse=True):
            nodes = torch.tensor(community)
            k = int(load.argmin())
            fold[nodes] = k
            load[k] += int(train_mask[nodes].sum())
        return fold


def check_folds(fold: Tensor, train_mask: Tensor, t: Tensor, *, n_splits: int | None = None) -> Tensor:
    """The folds, if each of them has treated and untreated training nodes.

    Args:
        fold: integers 0 ... K - 1, shape ``(n,)``.
        train_mask: nodes whose treatment and outcome may be used, bool, shape ``(n,)``.
        t: treatments, 0 or 1 at the training nodes, shape ``(n,)``. Others are not looked at.
        n_splits: K; one more than the largest fold when not given.

    Returns:
        The folds, int64.

    Raises:
        ValueError: shapes that do not fit, fewer than two folds, treatments other than 0 and 1 at a training node, or
            a fold whose training nodes are all in one arm (or that has none).
        TypeError: folds that are not integers.

    Source: none; a nuisance that saw one arm only cannot be told from one that has no effect to find.
    """
    fold, t, train_mask = torch.as_tensor(fold), torch.as_tensor(t), _require_mask(train_mask)
    if fold.is_floating_point() or fold.dtype == torch.bool:
        raise TypeError(f"fold holds {fold.dtype}; expected integers")
    for name, values in (("fold", fold), ("t", t)):
        if values.shape != train_mask.shape:
            raise ValueError(f"{name} has shape {tuple(values.shape)}; expected ({len(train_mask)},)")
    arms = t[train_mask]
    if not ((arms == 0) | (arms == 1)).all():
        raise ValueError(f"t holds {arms[(arms != 0) & (arms != 1)][0]} at a training node; expected 0 or 1")
    n_splits = int(fold.max()) + 1 if n_splits is None else n_splits
    if n_splits < 2 or fold.min() < 0 or fold.max() >= n_splits:
        raise ValueError(f"fold holds {fold.min()} to {fold.max()}; expected folds from 0 on, two or more")
    for k in range(n_splits):
        arms = t[train_mask & (fold == k)]
        treated = int(arms.sum())
        if treated in (0, len(arms)):
            raise ValueError(
                f"fold {k} has {treated} treated of {len(arms)} training nodes; expected both arms: "
                "take fewer folds or another seed"
            )
    return fold.long()


def _require_mask(train_mask: Tensor) -> Tensor:
    train_mask = torch.as_tensor(train_mask)
    if train_mask.ndim != 1 or train_mask.dtype != torch.bool or not len(train_mask):
        raise ValueError(
            f"train_mask has shape {tuple(train_mask.shape)} and dtype {train_mask.dtype}; expected (n,) and bool"
        )
    return train_mask
