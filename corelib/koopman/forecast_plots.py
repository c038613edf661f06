"""Figures of latent models: what their latents look like, what training does to them, how their forecasts fail.

Every function returns ``fig, ax``. Matplotlib is imported inside, so that the library does not need it until a figure
is drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from corelib.axes import axes_or_new
from corelib.koopman.training import History

GREY, BLUE, VERMILION, GREEN = "#767676", "#0072B2", "#D55E00", "#009E73"


def plot_latents(
    latents: ArrayLike,
    values: ArrayLike,
    *,
    label: str,
    cmap: str = "viridis",
    limits: tuple[float, float] | None = None,
    view: tuple[float, float] = (20, -60),
    bar: bool = True,
    ax=None,
    title: str = "",
):
    """Points in three latent dimensions, coloured by a number each.

    Args:
        latents: shape ``(N, 3)``.
        values: shape ``(N,)``.
        label: what the colours mean, with its unit.
        cmap: colour map; a cyclic one for angles.
        limits: ends of the colour scale; those of the values when not given.
        view: elevation and azimuth, degrees.
        bar: whether to draw the colour bar.
        ax: three-dimensional axes to draw on; new ones when not given.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        fig, ax = plt.subplots(figsize=(5.0, 4.2), subplot_kw={"projection": "3d"})
    fig = ax.figure
    low, high = limits or (None, None)
    dots = ax.scatter(
        *np.asarray(latents).T,
        c=np.asarray(values),
        cmap=cmap,
        vmin=low,
        vmax=high,
        s=9,
        linewidths=0.2,
        edgecolors="0.4",
    )
    ax.view_init(*view)
    ax.set_box_aspect((1, 1, 1), zoom=1.1)
    ax.set(xlabel="$z_1$", ylabel="$z_2$", zlabel="$z_3$", title=title)
    ax.set(xticklabels=[], yticklabels=[], zticklabels=[])
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.labelpad = -10
    if bar:
        fig.colorbar(dots, ax=ax, label=label, shrink=0.7, pad=0.1)
    return fig, ax


def plot_spectra(history: History, *, floor: float = 1e-8, ax=None, title: str = ""):
    """How the spectrum of the latents' covariance changes in training: one line a snapshot, dark is early.

    Args:
        history: of a model, with snapshots.
        floor: smaller shares are drawn at this height.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    fig, ax = axes_or_new(ax, (4.6, 3.6))
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(history.snapshots)))
    index = np.arange(1, history.spectra.shape[1] + 1)
    for step, spectrum, color in zip(history.snapshots, history.spectra, colors, strict=True):
        ax.plot(index, np.maximum(spectrum, floor), color=color, lw=1.4, label=f"step {step}")
    ax.set(
        yscale="log", ylim=(floor / 2, 2), xlabel="direction, by variance", ylabel="share of the variance", title=title
    )
    return fig, ax


def plot_forecast_errors(
    errors: Mapping[str, ArrayLike],
    *,
    colors: Mapping[str, str] | None = None,
    dashed: Sequence[str] = (),
    ceiling: float = 1.6,
    ax=None,
    title: str = "",
):
    """Error against the number of steps ahead, a line a method, with a band over seeds where there are several.

    Args:
        errors: method to errors, shape ``(H,)`` or one row a seed, ``(S, H)``, in standard deviations of the data;
            infinite ones leave the figure.
        colors: method to colour; those of the style when not given.
        dashed: methods to draw with a dashed line.
        ceiling: upper end of the axis.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.4, 3.8))
    for name, values in errors.items():
        rows = np.atleast_2d(np.asarray(values, dtype=float))
        rows = np.where(np.isfinite(rows), rows, np.nan)
        steps = np.arange(1, rows.shape[1] + 1)
        style = {"color": colors[name]} if colors else {}
        (line,) = ax.plot(steps, rows.mean(0), "--" if name in dashed else "-", lw=1.6, label=name, **style)
        if len(rows) > 1:
            ax.fill_between(steps, rows.min(0), rows.max(0), color=line.get_color(), alpha=0.15, lw=0)
    ax.axhline(1, color=GREY, lw=0.8, ls=":")
    ax.set(xlabel="steps ahead", ylabel="error, standard deviations", ylim=(0, ceiling), title=title)
    return fig, ax


def plot_trade_off(
    gammas: ArrayLike, errors: Mapping[str, ArrayLike], dimension: ArrayLike, *, axes=None, title: str = ""
):
    """What the weight of the entropy buys and costs: errors below, effective dimension above, dots are seeds.

    Args:
        gammas: weights, shape ``(G,)``; a 0 is drawn at the left end of the logarithmic axis.
        errors: kind of start to errors, shape ``(G, S)``.
        dimension: effective dimensions, shape ``(G, S)``.
        axes: two axes, for the dimension and for the errors; new ones when not given.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(2, 1, figsize=(6.0, 5.2), sharex=True, height_ratios=(1, 2))
    gammas = np.asarray(gammas, dtype=float)
    least = gammas[gammas > 0].min()
    x = np.where(gammas > 0, gammas, least / 3)
    drawn = [(axes[0], "effective dimension", dimension, GREEN)]
    drawn += [
        (axes[1], name, values, color) for (name, values), color in zip(errors.items(), (VERMILION, BLUE), strict=False)
    ]
    for ax, name, values, color in drawn:
        values = np.asarray(values, dtype=float)
        ax.plot(x, values.mean(1), "-", color=color, label=name)
        ax.plot(np.repeat(x, values.shape[1]), values.ravel(), ".", color=color, ms=5)
    axes[0].set(ylabel="effective\ndimension", title=title, yscale="log")
    axes[0].set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"])
    axes[0].minorticks_off()
    axes[1].set(xlabel="weight of the entropy, gamma", ylabel="error at 50 steps,\nstandard deviations", xscale="log")
    axes[1].set_xticks(x, [f"{g:g}" for g in gammas])
    axes[1].minorticks_off()
    axes[1].legend(fontsize=9)
    return axes[0].figure, axes
