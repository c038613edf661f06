"""Undirected simple graphs as edge lists, and the two operators that carry features along their edges.

A graph of n nodes is ``edge_index``, int64 of shape ``(2, 2E)``: each of the E edges in both directions, sorted by the
first node and then by the second.
"""

import warnings

import networkx as nx
import numpy as np
import torch
from torch import Tensor

KINDS = ("ba", "er", "ws", "sbm", "regular")
REWIRING = 0.1  # share of rewired edges in a small world ("ws")
BLOCKS = 4  # communities of a block model ("sbm") ...
CROSSING = 0.1  # ... and the share of its edges that join two of them


def make_graph(kind: str, n: int, *, mean_degree: int = 8, seed: int) -> Tensor:
    """A random graph of one of five kinds, all of the same mean degree, so that topology is not mixed with density.

    Args:
        kind: ``"ba"`` (preferential attachment: hubs), ``"er"`` (independent edges), ``"ws"`` (a rewired ring),
            ``"sbm"`` (four communities, a tenth of the edges between them) or ``"regular"`` (all degrees equal).
        n: number of nodes, more than ``mean_degree``.
        mean_degree: neighbours of a node, >= 1; expected for "er" and "sbm", exact for "ws" and "regular". "ba" falls
            short of it by ``mean_degree^2 / (2 n)``. Even for "ba" and "ws"; ``n * mean_degree`` even for "regular".
        seed: seed of the graph, >= 0.

    Returns:
        ``edge_index``, int64, shape ``(2, 2E)``. Nodes of "er" and "sbm" may have no neighbour.

    Raises:
        ValueError: an unknown kind, or numbers that the kind cannot have.

    Source: the generators are networkx's, but for the block model (Holland et al., 1983).
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    require_integer("mean_degree", mean_degree, 1)
    require_integer("n", n, mean_degree + 1)
    require_integer("seed", seed, 0)
    if kind in ("ba", "ws") and mean_degree % 2:
        raise ValueError(f"mean_degree is {mean_degree}; expected an even number for {kind!r}")
    if kind == "regular" and n * mean_degree % 2:
        raise ValueError(f"n is {n} and mean_degree {mean_degree}; expected an even product for 'regular'")
    if kind == "ba":
        graph = nx.barabasi_albert_graph(n, mean_degree // 2, seed=seed)
    elif kind == "er":
        graph = nx.fast_gnp_random_graph(n, mean_degree / (n - 1), seed=seed)
    elif kind == "ws":
        graph = nx.watts_strogatz_graph(n, mean_degree, REWIRING, seed=seed)
    elif kind == "sbm":
        graph = _block_model(n, mean_degree, seed)
    else:
        graph = nx.random_regular_graph(mean_degree, n, seed=seed)
    edges = torch.tensor(list(graph.edges), dtype=torch.int64).reshape(-1, 2).T
    return check_graph(torch.cat([edges, edges.flip(0)], 1), n)


def _block_model(n: int, mean_degree: int, seed: int) -> nx.Graph:
    # networkx's generator visits every pair of nodes, hence minutes at n = 10^5; here the work follows the edges.
    sizes = np.full(BLOCKS, n // BLOCKS) + (np.arange(BLOCKS) < n % BLOCKS)
    starts = np.cumsum(sizes) - sizes
    pairs_within, pairs_across = (sizes * (sizes - 1)).sum(), n**2 - (sizes**2).sum()
    within = (1 - CROSSING) * n * mean_degree / pairs_within if pairs_within else np.inf
    if within > 1:
        raise ValueError(f"n is {n}; expected more nodes: {BLOCKS} blocks cannot hold {mean_degree} neighbours a node")
    across = CROSSING * n * mean_degree / pairs_across
    # A stream of its own: features drawn from default_rng(seed) must not share numbers with the edges.
    rng, graph = np.random.default_rng((seed, BLOCKS)), nx.empty_graph(n)
    for a in range(BLOCKS):
        for b in range(a, BLOCKS):
            cells = int(sizes[a] * sizes[b])
            drawn = rng.choice(cells, rng.binomial(cells, within if a == b else across), replace=False)
            pairs = np.stack([starts[a] + drawn // sizes[b], starts[b] + drawn % sizes[b]], 1)
            graph.add_edges_from(pairs[pairs[:, 0] < pairs[:, 1]].tolist())  # within a block: one triangle of cells
    return graph


def check_graph(edge_index: Tensor, n: int) -> Tensor:
    """The edge list in its sorted form, if it is that of an undirected simple graph of n nodes.

    Args:
        edge_index: integers, shape ``(2, 2E)``, in any order; E may be 0.
        n: number of nodes, >= 1.

    Returns:
        The same edges, int64, sorted by first node and then second.

    Raises:
        ValueError: another shape, a node outside 0 ... n - 1, a self-loop, an edge given twice or in one direction.
        TypeError: entries that are not integers.

    Source: none; bookkeeping.
    """
    require_integer("n", n, 1)
    edge_index = torch.as_tensor(edge_index)
    if edge_index.ndim != 2 or len(edge_index) != 2:
        raise ValueError(f"edge_index has shape {tuple(edge_index.shape)}; expected (2, 2E)")
    if edge_index.is_floating_point() or edge_index.is_complex() or edge_index.dtype == torch.bool:
        raise TypeError(f"edge_index holds {edge_index.dtype}; expected integers")
    source, target = edge_index = edge_index.long()
    outside = edge_index[(edge_index < 0) | (edge_index >= n)]
    if len(outside):
        raise ValueError(f"edge_index names node {outside[0]}; expected nodes 0 to {n - 1}")
    if (source == target).any():
        raise ValueError(f"edge_index joins node {source[source == target][0]} to itself; expected no self-loops")
    codes, counts = torch.unique(source * n + target, return_counts=True)
    if (counts > 1).any():
        twice = int(codes[counts > 1][0])
        raise ValueError(f"edge_index holds ({twice // n}, {twice % n}) more than once; expected each edge once a way")
    backward = torch.sort(target * n + source).values
    if not torch.equal(codes, backward):
        lone = int(codes[~torch.isin(codes, backward)][0])
        raise ValueError(f"edge_index holds ({lone // n}, {lone % n}) one way only; expected both directions")
    return torch.stack([codes // n, codes % n])


def degrees(edge_index: Tensor, n: int) -> Tensor:
    """Number of neighbours of each node.

    Args:
        edge_index: a graph as :func:`check_graph` takes it, shape ``(2, 2E)``.
        n: number of nodes.

    Returns:
        Degrees, int64, shape ``(n,)``.

    Raises:
        ValueError, TypeError: as :func:`check_graph`.

    Source: definition.
    """
    return torch.bincount(check_graph(edge_index, n)[0], minlength=n)


def mean_operator(edge_index: Tensor, n: int) -> Tensor:
    """The matrix D^-1 A, which replaces each node's features by the mean of its neighbours'.

    Rows sum to one; the row of a node without neighbours is zero, and a warning says how many there are.

    Args:
        edge_index: a graph as :func:`check_graph` takes it, shape ``(2, 2E)``.
        n: number of nodes.

    Returns:
        Sparse CSR matrix, float64, shape ``(n, n)``.

    Raises:
        ValueError, TypeError: as :func:`check_graph`.

    Source: chapter 4, lesson 2.
    """
    edge_index = check_graph(edge_index, n)
    degree = torch.bincount(edge_index[0], minlength=n)
    isolated = int((degree == 0).sum())
    if isolated:
        warnings.warn(f"{isolated} of {n} nodes have no neighbour; their neighbour means are 0", stacklevel=2)
    return _csr(edge_index, 1 / degree[edge_index[0]].double(), n)


def gcn_operator(edge_index: Tensor, n: int) -> Tensor:
    """The symmetric matrix D~^-1/2 (A + I) D~^-1/2 of graph convolutional networks, where D~ = D + I.

    Rows do not sum to one: a constant comes out large at hubs and small at their neighbours.

    Args:
        edge_index: a graph as :func:`check_graph` takes it, shape ``(2, 2E)``.
        n: number of nodes.

    Returns:
        Sparse CSR matrix, float64, shape ``(n, n)``.

    Raises:
        ValueError, TypeError: as :func:`check_graph`.

    Source: Kipf and Welling (2017), renormalised adjacency matrix.
    """
    edge_index = check_graph(edge_index, n)
    root = (torch.bincount(edge_index[0], minlength=n) + 1).double().sqrt()
    loops = torch.arange(n, device=edge_index.device).expand(2, n)
    edge_index = torch.cat([edge_index, loops], 1)
    return _csr(edge_index, 1 / (root[edge_index[0]] * root[edge_index[1]]), n)


def propagate(P: Tensor, X: Tensor, hops: int) -> list[Tensor]:
    """Features seen from 0, 1, ..., ``hops`` steps away: X, P X, P^2 X, ...

    Args:
        P: operator, sparse or dense, shape ``(n, n)``.
        X: features, shape ``(n, d)`` or ``(n,)``, of the operator's dtype.
        hops: how far to go, >= 0.

    Returns:
        ``hops + 1`` tensors of the shape of X; the first is X itself.

    Raises:
        ValueError: shapes that do not fit, or ``hops < 0``.

    Source: chapter 4, lesson 2.
    """
    require_integer("hops", hops, 0)
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"P has shape {tuple(P.shape)}; expected (n, n)")
    if X.ndim not in (1, 2) or len(X) != len(P):
        raise ValueError(f"X has shape {tuple(X.shape)}; expected ({len(P)}, d) or ({len(P)},)")
    features = [X]
    for _ in range(hops):
        features.append(P @ features[-1])
    return features


def _csr(edge_index: Tensor, values: Tensor, n: int) -> Tensor:
    matrix = torch.sparse_coo_tensor(edge_index, values, (n, n), check_invariants=False).coalesce()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
        return matrix.to_sparse_csr()


def require_integer(name: str, value: int, least: int) -> None:
    """Refuse what is not an integer of at least ``least``.

    Args:
        name: what to call it in the message.
        value: the value in question.
        least: smallest integer to accept.

    Raises:
        ValueError: anything else, True and False included.

    Source: none; bookkeeping.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}; expected an integer >= {least}")
