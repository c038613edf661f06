"""Figures about compression before estimation, and about the audit of a plane. Every function returns ``fig, ax``."""

from collections.abc import Mapping, Sequence

import numpy as np

from corelib.axes import axes_or_new
from corelib.information.phases import Phase
from corelib.information.plane import InformationPlane
from corelib.information.plots import layer_shades

_PHASE_COLORS = {"fit": "#009E73", "compress": "#D55E00"}


def plot_blind_axis(x: np.ndarray, y: np.ndarray, *, axes_names: Sequence[str] = ("x₁", "x₂")):
    """Two coordinates of very different width, and which of them says something about y.

    Args:
        x: shape ``(N, 2)``, the wide coordinate first.
        y: shape ``(N,)``.
        axes_names: names of the two coordinates.

    Returns:
        ``fig, axes``.
    """
    import matplotlib.pyplot as plt

    share = x.var(axis=0) / x.var(axis=0).sum()
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    for ax, column, name, part in zip(axes, x.T, axes_names, share, strict=True):
        ax.plot(column, y, ".", ms=3, alpha=0.5, color="#0072B2")
        ax.set(xlabel=f"{name}  (standard deviation {column.std():.2g})", title=f"{part:.3%} of the variance")
    axes[0].set_ylabel("y")
    return fig, axes


def plot_loss_bound(bounds: Mapping[str, np.ndarray], *, ax=None, title: str = ""):
    """How much PCA can lose at most, against the number of axes kept.

    Args:
        bounds: name to bounds for m = 0 .. len - 1 kept axes, nats.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (6.0, 3.6))
    for name, values in bounds.items():
        ax.plot(np.arange(len(values)), values, label=name)
    ax.legend()
    ax.set(xlabel="axes kept, m", ylabel="most that PCA can lose  [nats]", title=title)
    return fig, ax


def plot_layers(plane: InformationPlane, loss: np.ndarray, *, model: int = 0, titles: Sequence[str] = ()):
    """The plane of one model in nats, its layers as curves over the steps, and the loss beside them.

    Args:
        plane: what to draw.
        loss: loss at the plane's epochs, shape ``(T,)``, nats.
        model: index of the model.
        titles: titles of the three panels.

    Returns:
        ``fig, axes``.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.8))
    shades = layer_shades(len(plane.layers))
    for layer, (name, color) in enumerate(zip(plane.layers, shades, strict=True)):
        x, y = plane.ixt[:, model, layer], plane.iyt[:, model, layer]
        axes[0].plot(x, y, color=color, lw=1.8, label=name)
        axes[0].plot(x[0], y[0], "o", mfc="none", color=color, ms=6)
        axes[0].plot(x[-1], y[-1], "o", color=color, ms=6)
        axes[1].plot(plane.epochs, x, "o-", ms=3, color=color)
    axes[0].axhline(plane.label_entropy, color="0.5", ls="--", lw=1)
    axes[0].legend(fontsize=8, loc="lower right")
    axes[0].set(xlabel="I(X;L)  [nats]", ylabel="I(L;Y)  [nats]")
    axes[1].set(xlabel="training step", ylabel="I(X;L)  [nats]")
    axes[2].plot(plane.epochs, loss, "o-", ms=3, color="0.25")
    axes[2].set(xlabel="training step", ylabel="training loss  [nats]", ylim=(0, None))
    for ax, title in zip(axes, titles, strict=False):
        ax.set_title(title)
    return fig, axes


def plot_audit(planes: Mapping[str, InformationPlane], layer: int, *, model: int = 0, title: str = ""):
    """One layer under several estimators: as it is, with the inputs permuted (truth 0), and the difference.

    Args:
        planes: estimator name to plane, each with a permutation control.
        layer: index of the layer.
        model: index of the model.
        title: the finding.

    Returns:
        ``fig, axes``: one row, three panels.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.9))
    for name, plane in planes.items():
        each = (plane.ixt, plane.ixt_permuted, plane.ixt_corrected)
        for ax, values in zip(axes, each, strict=True):
            (line,) = ax.plot(plane.epochs, values[:, model, layer], "o-", ms=3, label=name)
            if plane.ixt_stderr is not None and values is not plane.ixt_permuted:
                half = 1.96 * plane.ixt_stderr[:, model, layer]
                middle = values[:, model, layer]
                ax.fill_between(plane.epochs, middle - half, middle + half, color=line.get_color(), alpha=0.15, lw=0)
    axes[1].axhline(0, color="0.5", ls="--", lw=1)
    for ax, name in zip(axes, ("as estimated", "inputs permuted: the truth is 0", "the difference"), strict=True):
        ax.set(xlabel="training step", title=name)
    axes[0].set_ylabel(f"I(X;L) of {next(iter(planes.values())).layers[layer]}  [nats]")
    axes[0].legend(fontsize=9)
    fig.suptitle(title)
    return fig, axes


def plot_phases(epochs: np.ndarray, values: np.ndarray, found: Sequence[Phase], *, ax=None, title: str = ""):
    """A trajectory with its phases behind it.

    Args:
        epochs: shape ``(T,)``.
        values: I(X;L), shape ``(T,)``, nats.
        found: phases of it.
        ax: axes to draw on; new ones when not given.
        title: the finding.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.0, 3.2))
    for phase in found:
        color = _PHASE_COLORS[phase.kind]
        ax.axvspan(phase.start, phase.stop, color=color, alpha=0.13, lw=0)
        ax.text(
            (phase.start + phase.stop) / 2, 0.02, f"{phase.kind}\n{phase.delta:+.2f}", color=color, ha="center",
            va="bottom", fontsize=9, transform=ax.get_xaxis_transform(),
        )  # fmt: skip
    ax.plot(epochs, values, "o-", ms=4, color="0.2")
    low, high = float(np.min(values)), float(np.max(values))
    ax.set_ylim(low - 0.35 * (high - low + 0.1), high + 0.1 * (high - low + 0.1))
    ax.set(xlabel="training step", ylabel="I(X;L)  [nats]", title=title)
    return fig, ax
