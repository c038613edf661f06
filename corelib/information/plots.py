"""Figures of information planes. Every function returns ``fig, ax`` (or the array of axes); axes are in bits.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from corelib.axes import axes_or_new
from corelib.information.plane import InformationPlane


def plot_plane(plane: InformationPlane, *, ax=None, models: bool = False, title: str | None = None):
    """The information plane: one path a layer from the first snapshot (open circle) to the last (full circle).

    Args:
        plane: what to draw; averaged over models.
        ax: axes to draw on; new ones when not given.
        models: also draw every model's own path, thin.
        title: the finding; the estimator when not given.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.2, 3.8))
    mean = plane.mean()
    for layer, (name, color) in enumerate(zip(plane.layers, layer_shades(len(plane.layers)), strict=True)):
        if models:
            ax.plot(plane.ixt_bits[:, :, layer], plane.iyt_bits[:, :, layer], color=color, lw=0.5, alpha=0.35)
        x, y = mean.ixt_bits[:, 0, layer], mean.iyt_bits[:, 0, layer]
        ax.plot(x, y, color=color, lw=1.8, label=name)
        ax.plot(x[0], y[0], "o", mfc="none", color=color, ms=6)
        ax.plot(x[-1], y[-1], "o", color=color, ms=6)
    _ceilings(ax, plane)
    ax.set(xlabel="I(X;T)  [bits]", ylabel="I(Y;T)  [bits]", title=title or plane.estimator)
    return fig, ax


def plot_planes(planes: Mapping[str, InformationPlane], *, models: bool = False, columns: int = 3, title: str = ""):
    """Several planes side by side on common axes, one legend.

    Args:
        planes: panel title to plane.
        models: also draw every model's own path.
        columns: panels in a row.
        title: the finding.

    Returns:
        ``fig, axes`` with ``axes`` a flat array of the panels in use.
    """
    import matplotlib.pyplot as plt

    columns = min(columns, len(planes))
    rows = -(-len(planes) // columns)
    fig, grid = plt.subplots(
        rows, columns, figsize=(3.4 * columns, 2.9 * rows + 0.4), sharex=True, sharey=True, squeeze=False
    )
    used = grid.ravel()[: len(planes)]
    for ax in grid.ravel()[len(planes) :]:
        ax.set_axis_off()
    for ax, (name, plane) in zip(used, planes.items(), strict=True):
        plot_plane(plane, ax=ax, models=models, title=name)
    for i, ax in enumerate(used):
        ax.label_outer()
        if i + columns >= len(used):  # nothing stands below this panel, so it carries the axis itself
            ax.set_xlabel("I(X;T)  [bits]")
            ax.tick_params(labelbottom=True)
    handles, labels = used[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    fig.suptitle(title)
    return fig, used


def plot_information(plane: InformationPlane, *, ax=None, models: bool = True, title: str | None = None):
    """I(X;T) of every layer against the epoch: thin lines are models, the thick line is their average.

    Args:
        plane: what to draw.
        ax: axes to draw on; new ones when not given.
        models: draw the single models.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.6))
    ends = []
    for layer, (name, color) in enumerate(zip(plane.layers, layer_shades(len(plane.layers)), strict=True)):
        if models:
            ax.plot(plane.epochs, plane.ixt_bits[:, :, layer], color=color, lw=0.6, alpha=0.4)
        mean = plane.ixt_bits[:, :, layer].mean(1)
        ax.plot(plane.epochs, mean, color=color, lw=2.2)
        ends.append((float(mean[-1]), name, color))
    _direct_labels(ax, ends, gap=0.06 * math.log2(plane.n_samples))
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(-0.15, plane.epochs[-1] * 1.1)
    ax.set_ylim(0, 1.05 * math.log2(plane.n_samples))
    ax.axhline(math.log2(plane.n_samples), color="0.5", ls="--", lw=1)
    ax.set(xlabel="epoch (log scale)", ylabel="I(X;T)  [bits]", title=title or plane.estimator)
    return fig, ax


def plot_compression(scores: Mapping[str, np.ndarray], layers: Sequence[str], *, ax=None, title: str = ""):
    """Compression score of each layer, one column of dots a study: a dot a model, a bar at the mean.

    Args:
        scores: study name to scores, shape ``(M, L)``.
        layers: names of the L layers.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (1.4 + 1.15 * len(scores), 3.8))
    n_layers = len(layers)
    for column, values in enumerate(scores.values()):
        for layer, color in enumerate(layer_shades(n_layers)):
            x = column + (layer - (n_layers - 1) / 2) * 0.8 / n_layers
            ax.plot(np.full(len(values), x), values[:, layer], ".", color=color, ms=4, alpha=0.5)
            mean = values[:, layer].mean()
            ax.plot([x - 0.055, x + 0.055], [mean, mean], color=color, lw=3, label=None if column else layers[layer])
    ax.set_xticks(range(len(scores)), scores)
    ax.set(ylabel="compression  1 − I_end / max I", ylim=(-0.03, 1.0), title=title)
    ax.legend(ncols=3, frameon=False, fontsize=8, loc="upper left")
    return fig, ax


def _ceilings(ax, plane: InformationPlane) -> None:
    ax.axvline(math.log2(plane.n_samples), color="0.5", ls="--", lw=1)
    ax.axhline(plane.label_entropy / math.log(2), color="0.5", ls="--", lw=1)


def _direct_labels(ax, ends: list[tuple[float, str, object]], gap: float) -> None:
    """Name each curve at its right end, moved apart so that no two names overlap."""
    y = -math.inf
    for value, name, color in sorted(ends, key=lambda end: end[0]):
        y = max(value, y + gap)
        ax.annotate(
            name,
            xy=(1.01, y),
            xycoords=("axes fraction", "data"),
            color=color,
            va="center",
            fontsize=8,
            annotation_clip=False,
        )


def layer_shades(count: int) -> list:
    """Early layers dark, late layers light, on a map that keeps its order in grey and for colour-blind readers."""
    import matplotlib

    return [matplotlib.colormaps["viridis"](0.05 + 0.85 * i / max(count - 1, 1)) for i in range(count)]
