"""What a graph network can and cannot see: influence of far nodes, curvature of edges, error at hubs in closed form."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.causal.graphs import check_graph


def influence(effect: Callable[[Tensor], Tensor], x: Tensor, nodes: Tensor | Sequence[int] | None = None) -> Tensor:
    """How much the effect at some nodes depends on the features of every node: sum over features of |d tau_i / d x_j|.

    Exact derivatives at x, not a bound. They are 0 outside the hops that a network has layers, and small where many
    paths compete for one vector: over-squashing. For a ReLU network they hold near x only.

    Args:
        effect: maps features ``(n, d)`` to effects ``(n,)`` by differentiable steps, such as
            ``lambda x: network(x, edge_index)``; in evaluation mode if it has dropout.
        x: features, floating point, shape ``(n, d)``.
        nodes: the k nodes i whose effects are looked at, in 0 ... n - 1; all n when not given. Each costs one
            backward pass.

    Returns:
        Shape ``(k, n)``, row for i, column for j, in units of effect over features; the dtype of x.

    Raises:
        TypeError: x is not floating point, or nodes are not integers.
        ValueError: another shape of x or of the effects, nodes out of range, effects that are not connected to x, or
            NaN or infinite derivatives.

    Source: Topping et al. (2022), the Jacobian of node features; Xu et al. (2018).
    """
    if not x.is_floating_point():
        raise TypeError(f"x has dtype {x.dtype}; expected floating point")
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, d)")
    n = len(x)
    chosen = _node_list(nodes, n)
    x = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        tau = effect(x)
    if tau.shape != (n,):
        raise ValueError(f"effect returns shape {tuple(tau.shape)}; expected ({n},), one effect a node")
    if not tau.requires_grad:
        raise ValueError("effect returns a tensor that is not connected to x; expected differentiable steps from x")
    rows = x.new_empty(len(chosen), n)
    for row, i in zip(rows, chosen, strict=True):
        one = torch.zeros_like(tau)
        one[i] = 1
        row[:] = torch.autograd.grad(tau, x, one, retain_graph=True)[0].abs().sum(1)
    if not rows.isfinite().all():
        raise ValueError("effect has NaN or infinite derivatives at x; expected finite ones")
    return rows


def balanced_forman(edge_index: Tensor, n: int) -> Tensor:
    """Balanced Forman curvature of every edge: negative where an edge is the only way between two crowds.

    2/d_i + 2/d_j - 2 + 2 t / max(d) + t / min(d) + (q_i + q_j) / (g max(d)), with t the triangles on the edge; q_i the
    neighbours of i alone that lie on a 4-cycle over the edge without diagonals, q_j those of j; g the most such
    4-cycles that share one of them. An edge to a node of degree 1 has curvature 0.

    Args:
        edge_index: a graph as :func:`corelib.causal.graphs.check_graph` takes it, shape ``(2, 2E)``.
        n: number of nodes.

    Returns:
        Curvature, float64, shape ``(2E,)``, in the order of ``edge_index``; the two ways of an edge have the same.

    Raises:
        ValueError, TypeError: as :func:`corelib.causal.graphs.check_graph`.

    Source: Topping et al. (2022), the definition of balanced Forman curvature.
    """
    check_graph(edge_index, n)
    pairs = torch.as_tensor(edge_index).T.tolist()
    neighbours = [set() for _ in range(n)]
    for i, j in pairs:
        neighbours[i].add(j)
    curvature = {(i, j): _edge_curvature(neighbours, i, j) for i, j in pairs if i < j}
    return torch.tensor([curvature[min(i, j), max(i, j)] for i, j in pairs], dtype=torch.float64)


def hub_curve_single(degree: Tensor | np.ndarray | Sequence[float]) -> Tensor:
    """Error left by a neighbour mean when one neighbour, unknown which, carries the effect: 1 - 1/d.

    tau_i = x_s for s uniform among the d neighbours of i; features independent, of mean 0 and variance 1. The best
    multiple of the mean is the mean itself, at every degree. Var(tau) is 1, so this is the normalised error too.

    Args:
        degree: degrees d >= 1, any shape.

    Returns:
        Mean squared error at each degree, float64, the shape of ``degree``; units of the effect squared.

    Raises:
        ValueError: a degree below 1, NaN or infinite.

    Source: chapter 4, lesson 3, curve (a).
    """
    return 1 - 1 / _degrees(degree)


def mismatch_slope(degree: Tensor | np.ndarray | Sequence[float]) -> float:
    """The one slope that fits a normalised sum best by a neighbour mean over these nodes: E[d^-1/2] / E[d^-1].

    Args:
        degree: degrees d >= 1 of the nodes fitted, any shape, not empty.

    Returns:
        The slope beta of :func:`hub_curve_mismatch`; between the square roots of the least and the largest degree.

    Raises:
        ValueError: no degree, or one below 1, NaN or infinite.

    Source: chapter 4, lesson 3, curve (b).
    """
    degree = _degrees(degree)
    if not degree.numel():
        raise ValueError("degree is empty; expected the degree of at least one node")
    return float(degree.rsqrt().mean() / degree.reciprocal().mean())


def hub_curve_mismatch(degree: Tensor | np.ndarray | Sequence[float], beta: float) -> Tensor:
    """Error when the effect is a sum over sqrt(d) and the network takes beta times a mean: (1 - beta / sqrt(d))^2.

    tau_i = d^-1/2 sum of the d neighbours' features, which are independent, of mean 0 and variance 1. One slope can be
    right at the degree beta^2 alone; with a sum over sqrt(d) as aggregator nothing would be left. Var(tau) is 1.

    Args:
        degree: degrees d >= 1, any shape.
        beta: slope on the neighbour mean; :func:`mismatch_slope` gives the best one.

    Returns:
        Mean squared error at each degree, float64, the shape of ``degree``; units of the effect squared.

    Raises:
        ValueError: a degree below 1, or a NaN or infinite argument.

    Source: chapter 4, lesson 3, curve (b).
    """
    if not np.isfinite(beta):
        raise ValueError(f"beta is {beta}; expected a finite number")
    return (1 - beta * _degrees(degree).rsqrt()) ** 2


def _edge_curvature(neighbours: list[set[int]], i: int, j: int) -> float:
    low, high = sorted((len(neighbours[i]), len(neighbours[j])))
    if low == 1:
        return 0.0
    triangles = len(neighbours[i] & neighbours[j])
    only_i = neighbours[i] - neighbours[j] - {j}
    only_j = neighbours[j] - neighbours[i] - {i}
    # Squares i - k - w - j: how many go through each k, and how many through each w.
    through_i = [count for k in only_i if (count := len(neighbours[k] & only_j))]
    through_j = [count for w in only_j if (count := len(neighbours[w] & only_i))]
    squares = (len(through_i) + len(through_j)) / max(through_i + through_j) if through_i else 0.0
    return 2 / low + 2 / high - 2 + 2 * triangles / high + triangles / low + squares / high


def _node_list(nodes: Tensor | Sequence[int] | None, n: int) -> list[int]:
    if nodes is None:
        return list(range(n))
    nodes = torch.as_tensor(nodes)
    if nodes.is_floating_point() or nodes.is_complex() or nodes.dtype == torch.bool:
        raise TypeError(f"nodes has dtype {nodes.dtype}; expected integers")
    if nodes.ndim != 1 or not len(nodes) or nodes.min() < 0 or nodes.max() >= n:
        raise ValueError(f"nodes is {nodes.tolist()}; expected a list of nodes, each in 0 ... {n - 1}")
    return nodes.tolist()


def _degrees(degree: Tensor | np.ndarray | Sequence[float]) -> Tensor:
    degree = torch.as_tensor(degree).double()
    if not (degree.isfinite() & (degree >= 1)).all():
        raise ValueError(f"degree has {degree.min().item():g} as its least; expected finite numbers >= 1")
    return degree
