"""Figures of rank studies. Every function returns ``fig, ax``.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from corelib.axes import axes_or_new
from corelib.information.generalization.rank_study import CorrelationTable, GranulatedKendall
from corelib.information.plots import layer_shades

_MARKERS = "osD^vPX*"


def plot_league(table: CorrelationTable, *, ax=None, title: str = ""):
    """Measures from best to worst: a dot at Spearman's coefficient, a bar over its 95 % interval.

    The interval of the baseline is a band over the full height. A full dot: the interval of the paired difference to
    the baseline leaves out 0. An open dot: it does not, whatever the two bars look like.

    Args:
        table: what to draw.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    fig, ax = axes_or_new(ax, (7.2, 1.4 + 0.34 * len(table.rows)))
    base = table[table.baseline]
    ax.axvspan(base.lo, base.hi, color="C1", alpha=0.15, lw=0)
    ax.axvline(base.spearman, color="C1", lw=1.2)
    ax.axvline(0, color="0.6", lw=0.8, ls="--")
    for y, row in enumerate(table.ranked()):
        color = "C1" if row is base else "C0"
        differs = row is base or row.diff_lo > 0 or row.diff_hi < 0
        ax.plot([row.lo, row.hi], [y, y], color=color, lw=2.4, alpha=0.6, solid_capstyle="butt")
        ax.plot(row.spearman, y, "o", color=color, mfc=color if differs else "white", ms=7)
        ax.annotate(f"{row.spearman:.2f}", (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    ax.set_yticks(range(len(table.rows)), [row.measure for row in table.ranked()])
    left = min(-0.02, min(row.lo for row in table.rows) - 0.05)
    ax.set(xlim=(left, 1.02), ylim=(len(table.rows) - 0.4, -0.6))
    ax.set(xlabel=f"Spearman correlation with the gap, {table.n_groups} settings", title=title)
    handles = [
        Line2D([], [], marker="o", ls="", color="C0", label="differs from the baseline"),
        Line2D([], [], marker="o", ls="", color="C0", mfc="white", label="no clear difference"),
        Patch(color="C1", alpha=0.3, label=f"baseline {table.baseline}"),
    ]
    # Below the axis, where no bar can lie under it whatever the numbers are.
    fig.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return fig, ax


def plot_granulated(scores: Mapping[str, GranulatedKendall], *, ax=None, title: str = ""):
    """Granulated Kendall coefficients as a heat map, values printed in the cells; a line sets off the mean, Psi.

    Args:
        scores: measure to what :func:`granulated_kendall` gave for it; all with the same factors.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.

    Raises:
        ValueError: no measure, or measures with different factors.
    """
    if len({tuple(score.by_factor) for score in scores.values()}) != 1:
        found = [tuple(score.by_factor) for score in scores.values()]
        raise ValueError(f"scores has factors {found}; expected one list for all")
    factors = [*next(iter(scores.values())).by_factor, "mean Ψ"]
    values = np.array([[*score.by_factor.values(), score.psi] for score in scores.values()])
    fig, ax = axes_or_new(ax, (3.0 + 1.15 * len(factors), 1.4 + 0.36 * len(scores)))
    image = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        text = f"{value + 0.0:.2f}".replace("-0.00", "0.00")
        ax.text(j, i, text, ha="center", va="center", fontsize=9, color="white" if abs(value) > 0.6 else "black")
    ax.axvline(len(factors) - 1.5, color="black", lw=1.5)
    ax.set_xticks(range(len(factors)), [name.replace("_", " ") for name in factors])
    ax.set_yticks(range(len(scores)), list(scores))
    ax.grid(visible=False)  # it would run through the numbers
    ax.set(xlabel="factor that changes, all others held", title=title)
    fig.colorbar(image, ax=ax, label="granulated Kendall", ticks=[-1, 0, 1])
    return fig, ax


def plot_rate_against_gap(
    rate: ArrayLike,
    gap: ArrayLike,
    color: ArrayLike,
    marker: ArrayLike,
    *,
    color_name: str,
    marker_name: str,
    rate_label: str = "sqrt((I(X;Z|Y) + 1)/n)  [I in nats]",
    gap_label: str = "gap in error, test minus train",
    ax=None,
    title: str = "",
):
    """A point a network or setting: a measure against the gap, coloured by one factor, its marker by another.

    Args:
        rate: the measure, shape ``(R,)``.
        gap: test minus train, shape ``(R,)``.
        color: the factor that colours stand for, at most 8 values, shape ``(R,)``.
        marker: the factor that markers stand for, at most 8 values, shape ``(R,)``.
        color_name: of that factor, for the legend.
        marker_name: likewise.
        rate_label: what the horizontal axis shows, with its unit.
        gap_label: what the vertical axis shows, with its unit.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.

    Raises:
        ValueError: shapes that differ, or a factor with more than 8 values.
    """
    from matplotlib.lines import Line2D

    rate, gap, color, marker = (np.asarray(values) for values in (rate, gap, color, marker))
    for name, values in (("gap", gap), ("color", color), ("marker", marker)):
        if rate.ndim != 1 or values.shape != rate.shape:
            raise ValueError(f"{name} has shape {values.shape}, rate {rate.shape}; expected (R,) of both")
    colors, markers = np.unique(color).tolist(), np.unique(marker).tolist()
    for name, values in ((color_name, colors), (marker_name, markers)):
        if len(values) > len(_MARKERS):
            raise ValueError(f"factor {name!r} has {len(values)} values; expected at most {len(_MARKERS)}")
    fig, ax = axes_or_new(ax, (6.2, 4.2))
    handles = []
    for value, shade in zip(colors, layer_shades(len(colors)), strict=True):
        for kind, shape in zip(markers, _MARKERS, strict=False):
            own = (color == value) & (marker == kind)
            ax.plot(rate[own], gap[own], shape, color=shade, mec="white", mew=0.5, ms=7, alpha=0.8)
        handles.append(Line2D([], [], marker="s", ls="", ms=9, color=shade, label=f"{color_name} = {value}"))
    for kind, shape in zip(markers, _MARKERS, strict=False):
        handles.append(Line2D([], [], marker=shape, ls="", color="0.3", mfc="none", label=f"{marker_name} = {kind}"))
    ax.legend(handles=handles, fontsize=9, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    ax.set(xlabel=rate_label, ylabel=gap_label, title=title)
    return fig, ax
