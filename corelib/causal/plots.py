"""Figures of effects on networks and of what methods make of them. Every function returns ``fig, ax``.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.axes import axes_or_new

GREY, BLUE, VERMILION, GREEN = "#767676", "#0072B2", "#D55E00", "#009E73"


def plot_network(
    edge_index: Tensor,
    values: Tensor | Sequence[float],
    *,
    positions: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
    edge_values: Tensor | None = None,
    edge_limits: tuple[float, float] | None = None,
    label: str = "",
    cmap: str = "RdBu_r",
    size: float = 60,
    highlight: int | None = None,
    ax=None,
    title: str = "",
):
    """A graph whose nodes, and edges if asked, are coloured by numbers.

    Args:
        edge_index: shape ``(2, 2E)``.
        values: one a node, shape ``(n,)``.
        positions: shape ``(n, 2)``; a spring layout with a fixed seed when not given.
        limits: ends of the nodes' colour scale; symmetric about 0 when not given.
        edge_values: one an edge, in the order of ``edge_index``, shape ``(2E,)``; grey lines when not given.
        edge_limits: ends of the edges' colour scale; symmetric about 0 when not given.
        label: of the colour bar, that of the edges if they have values; no bar if empty.
        cmap: of the nodes; edges with values take "PuOr".
        size: of the nodes, points squared.
        highlight: a node to draw a ring around.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    import networkx as nx
    from matplotlib.collections import LineCollection

    fig, ax = axes_or_new(ax, (4.8, 4.2))
    values = np.asarray(values, dtype=float)
    if positions is None:
        graph = nx.empty_graph(len(values))
        graph.add_edges_from(edge_index.T.tolist())
        layout = nx.spring_layout(graph, seed=3, iterations=80)
        positions = np.array([layout[i] for i in range(len(values))])
    one_way = (edge_index[0] < edge_index[1]).numpy()
    lines = LineCollection(positions[edge_index.T.numpy()[one_way]], zorder=1)
    if edge_values is None:
        lines.set(color="0.8", linewidth=0.8 if len(values) < 500 else 0.3)
    else:
        edge_values = np.asarray(edge_values)[one_way]
        lines.set(array=edge_values, cmap="PuOr", linewidth=1.8)
        lines.set_clim(*(edge_limits or _symmetric(edge_values)))
    ax.add_collection(lines)
    low, high = limits or _symmetric(values)
    edge = {"edgecolors": "0.3", "linewidths": 0.5} if len(values) < 500 else {"linewidths": 0}
    dots = ax.scatter(*positions.T, c=values, cmap=cmap, vmin=low, vmax=high, s=size, zorder=2, **edge)
    if highlight is not None:
        ax.scatter(*positions[highlight], s=4 * size, facecolors="none", edgecolors="black", linewidths=2, zorder=3)
    if label:
        fig.colorbar(lines if edge_values is not None else dots, ax=ax, label=label, shrink=0.8)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(title)
    return fig, ax


def plot_errors(
    table: Mapping[str, Sequence[float]],
    *,
    lines: Mapping[str, float] | None = None,
    colors: Mapping[str, str] | None = None,
    log: bool = False,
    ax=None,
    title: str = "",
):
    """Errors of methods: one dot a seed and a bar for the mean, from the worst to the best as the table has them.

    Args:
        table: errors of each method, one a seed, units of the outcome squared.
        lines: levels to mark, by label.
        colors: of methods; grey for those that are not named.
        log: logarithmic scale.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (6.8, 0.9 + 0.36 * len(table)))
    for row, (name, errors) in enumerate(table.items()):
        color = (colors or {}).get(name, GREY)
        if log:
            ax.plot(np.mean(errors), row, "|", color=color, ms=18, mew=3)
        else:
            ax.barh(row, np.mean(errors), color=color, alpha=0.45)
        spread = np.linspace(-0.18, 0.18, len(errors)) if len(errors) > 1 else [0.0]
        ax.plot(errors, row + np.asarray(spread), "o", color=color, ms=3.5)
        ax.annotate(
            f"{np.mean(errors):.2g}" if np.mean(errors) < 0.995 else f"{np.mean(errors):.2f}",
            (max(errors), row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5},
        )
    for style, (label, level) in zip(("--", ":", "-."), (lines or {}).items(), strict=False):
        ax.axvline(level, color="black", ls=style, lw=1.2, label=label)
    ax.set_yticks(range(len(table)), table)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if log:
        ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.set_xlim(low, high * (2 if log else 1.08))
    ax.set_xlabel("mean squared error of the effect, units of y squared" + (" (log scale)" if log else ""))
    if lines:
        ax.legend(fontsize=9, loc="lower right")
    ax.set_title(title)
    return fig, ax


def plot_pairs(table: Mapping[str, Sequence[float]], methods: Sequence[str], *, notes=None, ax=None, title: str = ""):
    """Paired errors: one line a seed through the methods, so that a difference is seen within the draw it comes from.

    Args:
        table: errors of each method, one a seed.
        methods: which ones, from left to right.
        notes: text above each method, such as a p-value; same length as ``methods``.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (1.5 * len(methods) + 1.2, 3.6))
    errors = np.array([table[name] for name in methods])
    ax.plot(range(len(methods)), errors, "o-", color=BLUE, alpha=0.45, ms=4, lw=1)
    ax.plot(range(len(methods)), errors.mean(1), "_", color=VERMILION, ms=26, mew=3, label="mean")
    top = errors.max() * 1.08
    for x, note in enumerate(notes or []):
        ax.text(x, top, note, ha="center", va="bottom", fontsize=9)
    ax.set_xticks(range(len(methods)), [name.replace(", ", ",\n") for name in methods])
    ax.set(ylim=(0, top * 1.12), xlim=(-0.5, len(methods) - 0.5), ylabel="held-out error, units of y squared")
    ax.grid(axis="x", visible=False)
    ax.legend(fontsize=9, loc="lower left")
    ax.set_title(title)
    return fig, ax


def plot_residual_slopes(
    y: Tensor, t: Tensor, groups: Mapping[str, Tensor], *, xlabel: str, ylabel: str, ax=None, title: str = ""
):
    """Outcome against treatment, a line of least squares through the origin for each group of nodes.

    Args:
        y: outcomes or their residuals, shape ``(n,)``.
        t: treatments or their residuals, shape ``(n,)``.
        groups: nodes of each group, bool, shape ``(n,)``.
        xlabel: what t is.
        ylabel: what y is.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (4.8, 3.8))
    ends = torch.stack([t.min(), t.max()])
    for color, (name, rows) in zip((BLUE, GREEN, VERMILION), groups.items(), strict=False):
        ax.plot(t[rows], y[rows], ".", color=color, ms=3, alpha=0.45)
        slope = (y[rows] @ t[rows]) / (t[rows] @ t[rows])
        ax.plot(ends, slope * ends, color=color, lw=2.4, label=f"{name}: slope {slope:.2f}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_grid(
    values: np.ndarray,
    rows: Sequence[float],
    columns: Sequence[float],
    *,
    xlabel: str,
    ylabel: str,
    label: str,
    ax=None,
    title: str = "",
):
    """Ratios over two settings, logarithmically coloured, white where the ratio is 1.

    Args:
        values: ratios > 0, shape ``(rows, columns)``.
        rows: settings down.
        columns: settings across.
        xlabel: what the columns are.
        ylabel: what the rows are.
        label: what the ratio is.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.8))
    logs = np.log10(values)
    low, high = _symmetric(logs)
    image = ax.imshow(logs, cmap="RdBu_r", vmin=low, vmax=high, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        ink = "white" if abs(logs[i, j]) > 0.6 * high else "black"
        ax.text(j, i, f"{value:.2g}" if value < 9.95 else f"{value:.0f}", ha="center", va="center", color=ink)
    ax.set_xticks(range(len(columns)), [f"{c:g}" for c in columns])
    ax.set_yticks(range(len(rows)), [f"{r:g}" for r in rows])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    bar = fig.colorbar(image, ax=ax, label=label)
    ticks = [tick for tick in (-3, -2, -1, 0, 1, 2, 3) if low <= tick <= high]
    bar.set_ticks(ticks, labels=[f"{10.0**tick:g}" for tick in ticks])
    ax.set_title(title)
    return fig, ax


def plot_degrees(degree: Mapping[str, Tensor], *, title: str = ""):
    """How degrees are distributed in several graphs, one panel each, counts on a log scale.

    Args:
        degree: degrees of each graph's nodes, by name.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(degree), figsize=(2.4 * len(degree), 2.6), sharey=True)
    for ax, (name, values) in zip(np.atleast_1d(axes), degree.items(), strict=True):
        counts = torch.bincount(values)
        ax.bar(range(len(counts)), counts.tolist(), width=1.0, color=BLUE)
        ax.set(yscale="log", xlabel="degree", title=f"{name}: mean {values.double().mean():.1f}, most {values.max()}")
        ax.title.set_fontsize(10)
    np.atleast_1d(axes)[0].set_ylabel("nodes (log scale)")
    fig.suptitle(title)
    return fig, axes


def _symmetric(values: np.ndarray) -> tuple[float, float]:
    reach = float(np.abs(values).max()) or 1.0
    return -reach, reach
