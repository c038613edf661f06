"""Figures about estimates where the truth is known. Every function returns ``fig, ax``; values are in nats."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from corelib.axes import axes_or_new
from corelib.information.known.images import KnownImages

Curve = tuple[Sequence[float], Sequence[float]]


def plot_images(rows: Mapping[str, np.ndarray], *, title: str = "", scale: float = 1.05):
    """Rows of small square images.

    Args:
        rows: name to images, shape ``(n, S * S)``, the same n in every row.
        title: the finding.
        scale: inches an image.

    Returns:
        ``fig, axes`` of shape ``(rows, n)``.
    """
    import matplotlib.pyplot as plt

    count = len(next(iter(rows.values())))
    fig, grid = plt.subplots(len(rows), count, figsize=(scale * count + 1.3, scale * len(rows) + 0.5), squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for ax, image in zip(axes, images, strict=True):
            side = math.isqrt(image.size)
            ax.imshow(image.reshape(side, side), cmap="gray", vmin=0, vmax=max(1.0, float(image.max())))
            ax.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    fig.suptitle(title)
    return fig, grid


def plot_pairs(pairs: Sequence[KnownImages], *, count: int = 4):
    """Pairs of images whose mutual information is known: X above Y, one group an amount of information.

    Args:
        pairs: one entry a group.
        count: pairs shown of each.

    Returns:
        ``fig, axes`` of shape ``(2, groups * count)``.
    """
    import matplotlib.pyplot as plt

    fig, grid = plt.subplots(2, len(pairs) * count, figsize=(0.72 * len(pairs) * count + 0.6, 2.2))
    for g, known in enumerate(pairs):
        side = math.isqrt(known.x.shape[1])
        for c in range(count):
            for row, images in enumerate((known.x, known.y)):
                ax = grid[row, g * count + c]
                ax.imshow(images[c].reshape(side, side), cmap="gray")
                ax.set(xticks=[], yticks=[])
        grid[0, g * count].set_title(f"{known.mi:g} nats", loc="left", fontsize=11)
    grid[0, 0].set_ylabel("X", rotation=0, ha="right", va="center")
    grid[1, 0].set_ylabel("Y", rotation=0, ha="right", va="center")
    return fig, grid


def plot_truth_and_estimate(
    truth: Sequence[float],
    curves: Mapping[str, Curve],
    *,
    ceiling: float | None = None,
    ax=None,
    title: str = "",
):
    """Estimates against the truth, with bands of 1.96 standard errors (sampling error only).

    Args:
        truth: known information, shape ``(T,)``, nats.
        curves: name to ``(values, stderrs)``, each ``(T,)``, nats; values outside the axes are cut, not hidden.
        ceiling: a value that some estimator cannot exceed, nats.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (6.0, 4.2))
    truth = np.asarray(truth, dtype=float)
    ax.plot(truth, truth, color="0.5", ls="--", lw=1.2, label="truth")
    for name, (values, stderr) in curves.items():
        values, half = np.asarray(values, dtype=float), 1.96 * np.asarray(stderr, dtype=float)
        (line,) = ax.plot(truth, values, "o-", ms=4, label=name)
        ax.fill_between(truth, values - half, values + half, color=line.get_color(), alpha=0.2, lw=0)
    if ceiling is not None:
        ax.axhline(ceiling, color="0.3", ls=":", lw=1.2)
        ax.annotate(
            f"ceiling {ceiling:.2f}",
            (truth[-1], ceiling),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=9,
            ha="right",
        )
    span = max(truth.max(), 1.0)
    ax.set(ylim=(-0.18 * span, 1.22 * span), xlabel="true information  [nats]", ylabel="estimate  [nats]", title=title)
    ax.legend(loc="upper left", fontsize=9)
    return fig, ax


def plot_errors(errors: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, ax=None, title: str = ""):
    """Signed errors as a table of colours with their numbers.

    Args:
        errors: estimate minus truth, shape ``(rows, columns)``, nats; NaN where nothing was estimated.
        rows: names.
        columns: names.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (1.9 + 0.75 * len(columns), 0.9 + 0.36 * len(rows)))
    bound = 1.0
    ax.imshow(errors, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
    for (i, j), value in np.ndenumerate(errors):
        if np.isfinite(value):
            color = "white" if abs(value) > 0.6 * bound else "black"
            ax.text(j, i, f"{value:+.2f}", ha="center", va="center", fontsize=9, color=color)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    ax.set_title(title)
    return fig, ax


def plot_codes(codes: Mapping[str, np.ndarray], parameter: np.ndarray, *, label: str, title: str = ""):
    """Two-number codes of several compressors, coloured by a parameter that made the image.

    Args:
        codes: compressor name to codes, shape ``(N, 2)``.
        parameter: shape ``(N,)``.
        label: what the parameter is.
        title: the finding.

    Returns:
        ``fig, axes``.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(codes), figsize=(4.3 * len(codes), 3.7), squeeze=False)
    for ax, (name, values) in zip(axes[0], codes.items(), strict=True):
        colored = ax.scatter(values[:, 0], values[:, 1], c=parameter, s=5, cmap="viridis")
        ax.set(xlabel="code 1", ylabel="code 2", title=name)
    fig.colorbar(colored, ax=axes[0].tolist(), label=label)
    fig.suptitle(title)
    return fig, axes[0]
