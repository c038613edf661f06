"""Figures of what latents know and how they are spread. Every function returns ``fig, ax``. Nats.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.axes import axes_or_new
from corelib.koopman.spectra import entropy_from_spectrum
from corelib.koopman.water_filling import entropic_water_filling

GREY, BLUE, VERMILION, GREEN, ORANGE = "#767676", "#0072B2", "#D55E00", "#009E73", "#E69F00"
_GROUND, _WATER = "#C9C2B8", "#56B4E9"


def plot_order(informations: Mapping[str, float], *, chain: str, axes=None, title: str = ""):
    """Two times of states x and latents z as a graph, and below it three informations as bars, in the order given.

    Args:
        informations: value of each, nats, by label.
        chain: "x" if latents are encoded from a chain of states, "z" if states are decoded from a chain of latents.
        axes: two axes, for graph and bars; new ones when not given.
        title: of the graph.

    Raises:
        ValueError: another ``chain``.
    """
    import matplotlib.pyplot as plt

    if chain not in ("x", "z"):
        raise ValueError(f"chain is {chain!r}; expected 'x' or 'z'")
    if axes is None:
        _, axes = plt.subplots(2, 1, figsize=(4.6, 4.0), height_ratios=(1.2, 1))
    graph, bars = axes
    leaf = "z" if chain == "x" else "x"
    places = {"x": (0, 1), "x'": (1, 1), "z": (0, 0), "z'": (1, 0)}
    arrows = [(chain, f"{chain}'", BLUE), (chain, leaf, GREY), (f"{chain}'", f"{leaf}'", GREY)]
    for tail, head, color in arrows:
        arrow = {"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 15, "shrinkB": 15, "mutation_scale": 16}
        graph.annotate("", places[head], places[tail], arrowprops=arrow)
    for name, place in places.items():
        on_chain = name[0] == chain
        graph.plot(*place, "o", ms=28, mfc="white", mec=BLUE if on_chain else GREY, mew=2, zorder=3)
        graph.text(*place, name, ha="center", va="center", fontsize=13, zorder=4)
    graph.set(xlim=(-0.6, 1.6), ylim=(-0.5, 1.5), title=title)
    graph.axis("off")
    drawn = bars.barh(list(informations), list(informations.values()), color=[BLUE, GREEN, ORANGE], height=0.62)
    bars.bar_label(drawn, fmt="%.3f", padding=4, fontsize=10)
    bars.invert_yaxis()
    bars.grid(axis="y", visible=False)
    bars.set(xlim=(0, 1.22 * max(informations.values())), xlabel="nats")
    return graph.figure, axes


def plot_horizon(
    horizons: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    *,
    xscale: str = "linear",
    guide: tuple[str, Sequence[float]] | None = None,
    floor: float = 1e-3,
    ax=None,
    title: str = "",
):
    """Information against the number of steps, on a logarithmic scale of nats.

    Args:
        horizons: steps.
        curves: nats at each horizon, by label.
        xscale: "linear", where exponentials are straight, or "log", where powers are.
        guide: label and values of a dashed line to compare with.
        floor: lower end of the axis, nats.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.2, 3.7))
    for color, (label, values) in zip((BLUE, GREEN, VERMILION, ORANGE), curves.items(), strict=False):
        ax.plot(horizons, values, color=color, lw=2, label=label)
    if guide is not None:
        ax.plot(horizons, guide[1], "--", color="black", lw=1.2, label=guide[0])
    top = max(max(values) for values in curves.values())
    ax.set(xscale=xscale, yscale="log", ylim=(floor, 2 * top), xlabel="horizon n, steps", ylabel="information, nats")
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_estimates(
    xs: Sequence[float],
    truth: Sequence[float],
    estimates: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ax=None,
    title: str = "",
):
    """Estimates with bars of two standard errors, against a line that is the truth.

    Args:
        xs: what changes from point to point.
        truth: closed form, nats, same length.
        estimates: values and standard errors, nats, by estimator.
        xlabel: what ``xs`` is.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.2, 3.6))
    ax.plot(xs, truth, color="black", lw=1.5, label="closed form")
    for color, marker, (label, (values, errors)) in zip(
        (BLUE, VERMILION, GREEN), "osD", estimates.items(), strict=False
    ):
        bars = 2 * np.asarray(errors, dtype=float)
        ax.errorbar(xs, values, yerr=bars, fmt=marker, ms=5, color=color, capsize=3, label=label)
    ax.set(xlabel=xlabel, ylabel="information, nats")
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_parts(
    parts: Mapping[str, Sequence[float]],
    columns: Sequence[object],
    *,
    xlabel: str,
    legend: bool = True,
    ax=None,
    title: str = "",
):
    """Parts of the latent information, stacked.

    Args:
        parts: nats of each part in every column, by name, from the bottom up.
        columns: what the columns are called.
        xlabel: what they stand for.
        legend: name the parts, above the bars.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.7))
    bottom = np.zeros(len(columns))
    for color, (name, values) in zip((BLUE, ORANGE, _GROUND), parts.items(), strict=False):
        ax.bar(range(len(columns)), values, 0.86, bottom=bottom, color=color, label=name)
        bottom = bottom + np.asarray(values, dtype=float)
    ax.set_xticks(range(len(columns)), [str(c) for c in columns])
    ax.set(xlabel=xlabel, ylabel="information, nats", ylim=(0, 1.2 * bottom.max()))
    ax.grid(axis="x", visible=False)
    if legend:
        ax.legend(fontsize=9, loc="upper center", ncols=len(parts))
    ax.set_title(title)
    return fig, ax


def plot_tank(g: Tensor, power: float, *, gamma: float = 0.0, labels: Sequence[str] | None = None, ax=None, title=""):
    """Power poured over a ground of height 1 / g: level where only information counts, heaped where entropy does too.

    Ground higher than three and a half times the level is cut there, and its height written on it.

    Args:
        g: gains, > 0, shape ``(d,)``.
        power: the total, > 0; the blue area.
        gamma: weight of the entropy, nats.
        labels: names of the modes.
        ax: axes to draw on; new ones when not given.
        title: before the effective dimension, which is added.
    """
    fig, ax = axes_or_new(ax, (5.4, 3.9))
    g = torch.as_tensor(g, dtype=torch.float64)
    water, flat = (entropic_water_filling(g, power, weight).numpy() for weight in (gamma, 0.0))
    ground = 1 / g.numpy()
    level = (ground + flat)[flat.argmax()]
    shown = np.minimum(ground, 3.5 * level)
    places = np.arange(len(g))
    ax.bar(places, shown, 1.0, color=_GROUND, edgecolor="white", label="ground 1/g")
    ax.bar(places, water, 1.0, bottom=shown, color=_WATER, edgecolor="white", label="power p")
    style, name = ("-", "water level ν") if gamma == 0 else ("--", "level without entropy")
    ax.axhline(level, color=BLUE, lw=1.8, ls=style, label=f"{name}: {level:.2f}")
    for place, low, height in zip(places, shown, ground, strict=True):
        if height > low:
            ax.plot([place - 0.5, place + 0.5], [0.8 * low, 0.86 * low], color="white", lw=3)
            number = f"{height:.3g}" if height < 1000 else f"{height:.0e}"
            ax.text(place, 0.55 * low, f"cut:\n1/g is\n{number}", ha="center", va="center", fontsize=8)
    for place, surface, share in zip(places, shown + water, water, strict=True):
        text = "dry" if share == 0 else f"{share:.2g}" if share >= 0.005 else f"{share:.0e}"
        paper = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5}
        at = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center"}
        ax.annotate(text, (place, surface), fontsize=9, bbox=paper, **at)
    ax.set_xticks(places, labels or [f"{i + 1}" for i in places])
    ax.set(xlabel="mode", ylabel="variance of the latent", ylim=(0, 1.15 * max(level, (shown + water).max())))
    ax.grid(axis="x", visible=False)
    ax.legend(fontsize=9, loc="upper left")
    ax.set_title(f"{title}effective dimension {entropy_from_spectrum(torch.from_numpy(water)).exp():.2f} of {len(g)}")
    return fig, ax


def plot_price(
    dimensions: Sequence[float], informations: Sequence[float], marks: Mapping[float, str], *, ax=None, title=""
):
    """Information against effective dimension, as the weight of the entropy grows.

    Args:
        dimensions: effective dimension at each weight.
        informations: nats at each weight.
        marks: label of some points, by index.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (4.8, 3.9))
    ax.plot(dimensions, informations, color=BLUE, lw=2)
    for index, label in marks.items():
        ax.plot(dimensions[index], informations[index], "o", color=VERMILION, ms=6)
        at = (dimensions[index], informations[index])
        ax.annotate(label, at, xytext=(-4, -13), textcoords="offset points", ha="right", fontsize=9)
    ax.margins(0.16)
    ax.set(xlabel="effective dimension", ylabel="information, nats")
    ax.set_title(title)
    return fig, ax


def plot_spectra(spectra: Mapping[str, Tensor], *, ax=None, title: str = ""):
    """Eigenvalues of trace-normalised covariances side by side, the largest first.

    Args:
        spectra: eigenvalues, >= 0, shape ``(d,)``, by label; divided by their sum here.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.0, 3.6))
    width = 0.8 / len(spectra)
    for place, (color, (label, values)) in enumerate(zip((BLUE, VERMILION, GREEN), spectra.items(), strict=False)):
        share = torch.as_tensor(values).clamp(min=0).sort(descending=True).values
        share = share / share.sum()
        label = f"{label}: effective dimension {entropy_from_spectrum(share).exp():.2f}"
        bars = ax.bar(np.arange(len(share)) + place * width, share.numpy(), width, color=color, label=label)
        ax.bar_label(bars, fmt="%.3f", padding=2, fontsize=9)
    ax.set_xticks(np.arange(len(share)) + 0.4 - width / 2, range(1, len(share) + 1))
    ax.set(xlabel="eigenvalue of the density matrix", ylabel="share of the variance", ylim=(0, 1.45))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.grid(axis="x", visible=False)
    ax.legend(fontsize=9, loc="upper right")
    ax.set_title(title)
    return fig, ax


def plot_ceiling(
    sizes: Sequence[int],
    ceiling: Sequence[float],
    certified: Mapping[str, tuple[Sequence[float], float]],
    *,
    xlabel: str,
    ax=None,
    title: str = "",
):
    """What InfoNCE certifies, below the logarithm that it cannot exceed and beside the information there is.

    Args:
        sizes: what the ceiling depends on.
        ceiling: the logarithm, nats.
        certified: values at each size and the true information, nats, by label.
        xlabel: what ``sizes`` is.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.4, 3.7))
    ax.plot(sizes, ceiling, color="black", lw=1.5, label="ceiling")
    highest = 0.0
    for color, (label, (values, truth)) in zip((BLUE, VERMILION, GREEN), certified.items(), strict=False):
        ax.plot(sizes, values, "o-", ms=4, color=color, label=f"{label}: certified")
        ax.axhline(truth, color=color, ls="--", lw=1.2, label=f"{label}: true, {truth:.2f}")
        highest = max(highest, truth, *values)
    ax.set(xscale="log", ylim=(0, 1.25 * highest), xlabel=xlabel, ylabel="information, nats")
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax
