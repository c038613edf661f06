"""Figures about the rulers themselves: where edges fall, how bounds bracket the truth, how much each layer grows.

Every function returns ``fig, ax``. Matplotlib is imported inside the functions.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from corelib.axes import axes_or_new
from corelib.information.kde import kde_information, mixture_entropy_mc
from corelib.information.plots import layer_shades


def plot_edges(h: np.ndarray, edges: np.ndarray, *, ax=None, title: str = "", annotate: bool = True):
    """Histogram of a layer's activity with bin edges above it.

    Args:
        h: activity, any shape, one layer at one epoch.
        edges: bin edges, shape ``(E,)``.
        ax: axes to draw on; new ones when not given.
        title: the finding.
        annotate: say how many values are exact zeros.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 2.8))
    values = np.asarray(h).ravel()
    ax.hist(values, bins=80, color="#56B4E9", alpha=0.8)
    ax.vlines(np.asarray(edges), 0, 1, transform=ax.get_xaxis_transform(), color="#D55E00", lw=0.8, alpha=0.9)
    zeros = float((values == 0).mean())
    ax.set_yscale("log")
    ax.set(xlabel="activity", ylabel="values in the layer", title=title)
    if annotate and zeros > 0.01:
        ax.annotate(
            f"{zeros:.0%} exact zeros",
            xy=(0, 0.92),
            xycoords=("data", "axes fraction"),
            xytext=(0.35, 0.92),
            textcoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "->", "color": "0.3"},
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            color="black",
        )
    return fig, ax


def plot_edges_over_training(
    activity: Mapping[int, np.ndarray], edges: Mapping[int, Mapping[str, np.ndarray]], *, layer: str = "a layer"
):
    """A filmstrip: the layer's activity at several epochs (columns) under several rulers (rows).

    Args:
        activity: epoch to activity of the layer, any shape.
        edges: epoch to ruler name to edges, shape ``(E,)``.
        layer: what to call the layer.

    Returns:
        ``fig, axes`` with axes of shape ``(rulers, epochs)``.
    """
    import matplotlib.pyplot as plt

    rulers = list(next(iter(edges.values())))
    fig, grid = plt.subplots(
        len(rulers), len(activity), figsize=(2.7 * len(activity), 2.1 * len(rulers) + 0.3), sharey=True, squeeze=False
    )
    for column, (epoch, h) in enumerate(activity.items()):
        for row, ruler in enumerate(rulers):
            ax = grid[row, column]
            plot_edges(h, edges[epoch][ruler], ax=ax, title=f"epoch {epoch}" if row == 0 else "", annotate=False)
            ax.set_xlim(-0.03 * h.max(), 1.03 * h.max())
            ax.set(xlabel=f"activity of {layer}" if row == len(rulers) - 1 else "", ylabel=ruler if column == 0 else "")
    return fig, grid


def plot_two_clusters(distance: float = 2.0, sigma: float = 1.0, *, ax=None):
    """Lower bound, truth and upper bound on I(X;T) for two equal clusters, against their distance.

    Args:
        distance: where to put the marker, in units of activity.
        sigma: standard deviation of the noise.
        ax: axes to draw on; new ones when not given.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.4))
    distances = np.unique(np.append(np.linspace(0.02, 8, 41), distance))
    h = torch.zeros(len(distances), 2, 1, dtype=torch.float64)
    h[:, 1, 0] = torch.from_numpy(distances)
    found = kde_information(h, torch.tensor([0, 1]), sigma**2)
    truth, _ = mixture_entropy_mc(h, sigma**2, 40_000, seed=0)
    truth = truth - 0.5 * math.log(2 * math.pi * math.e * sigma**2)
    curves = {"upper bound": found.ixt_upper, "truth (sampled)": truth, "lower bound": found.ixt_lower}
    styles = {"upper bound": ("#D55E00", "-"), "truth (sampled)": ("0.35", "--"), "lower bound": ("#0072B2", "-")}
    marked = int(np.flatnonzero(distances == distance)[0])
    for name, values in curves.items():
        color, line = styles[name]
        bits = values.numpy() / math.log(2)
        ax.plot(distances, bits, line, color=color, label=f"{name}: {bits[marked]:.2f} bits at the line")
    ax.axvline(distance, color="0.6", lw=1)
    ax.legend(loc="lower right")
    ax.set(
        xlabel=f"distance of the clusters (noise s.d. {sigma:g})",
        ylabel="I(X;T)  [bits]",
        title="The truth lies between the two bounds",
    )
    return fig, ax


def plot_largest_activity(largest: np.ndarray, layers: Sequence[str], *, ax=None, title: str = ""):
    """Largest activity of each layer at the end of training: a dot a model, a bar at the median.

    Args:
        largest: shape ``(M, L)``, in units of activity.
        layers: names of the L layers.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.2))
    x = np.arange(len(layers))
    ax.bar(x, np.median(largest, 0), color=layer_shades(len(layers)), alpha=0.75)
    for values in largest:
        ax.plot(x, values, "o", mfc="white", mec="0.2", ms=4)
    ax.set_xticks(x, layers)
    ax.set(ylabel="largest activity", title=title)
    return fig, ax


def plot_correlation(score: np.ndarray, accuracy: np.ndarray, notes: Sequence[str], layers: Sequence[str]):
    """Compression against test accuracy, one panel a layer, a dot a model.

    Args:
        score: compression, shape ``(M, L)``.
        accuracy: test accuracy, shape ``(M,)``, in [0, 1].
        notes: what to write into each panel, for example rho and p.
        layers: names of the L layers.

    Returns:
        ``fig, axes``.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(layers), figsize=(2.1 * len(layers) + 0.6, 2.6), sharey=True)
    for layer, (ax, color) in enumerate(zip(axes, layer_shades(len(layers)), strict=True)):
        ax.plot(score[:, layer], accuracy, "o", color=color, ms=4, alpha=0.7)
        ax.set_title(f"{layers[layer]}\n{notes[layer]}", fontsize=9)
        ax.margins(x=0.15)
    axes[0].set_ylabel("test accuracy")
    fig.supxlabel("compression  1 − I_end / max I", fontsize=10)
    return fig, axes
