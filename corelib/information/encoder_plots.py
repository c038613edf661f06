"""Figures of Gaussian codes and of what the estimators say about them. Every function returns ``fig, ax``."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.axes import axes_or_new
from corelib.information.encoder import METHODS, GaussianCodes, encoder_information, quadrature_information


def plot_codes(codes: GaussianCodes, labels: Tensor, *, ax=None, title: str = "", colors: Sequence[str] | None = None):
    """Two-dimensional codes as ellipses of one standard deviation, coloured by class.

    Args:
        codes: shape ``(N, 2)``.
        labels: classes 0 .. C - 1, shape ``(N,)``.
        ax: axes to draw on; new ones if absent.
        title: the finding.
        colors: one a class; matplotlib's cycle if absent.

    Raises:
        ValueError: codes that are not of two dimensions.
    """
    from matplotlib.collections import EllipseCollection
    from matplotlib.lines import Line2D

    if codes.mean.ndim != 2 or codes.mean.shape[1] != 2:
        raise ValueError(f"codes have shape {tuple(codes.mean.shape)}; expected (N, 2)")
    fig, ax = axes_or_new(ax, (4.6, 4.4))
    mean, std = (t.detach().cpu().double().numpy() for t in (codes.mean, codes.std))
    handles = []
    for label in range(int(labels.max()) + 1):
        own = (labels == label).cpu().numpy()
        color = colors[label] if colors else f"C{label}"
        size = 2 * std[own].T
        ellipses = EllipseCollection(
            *size, np.zeros(own.sum()), units="xy", offsets=mean[own], transOffset=ax.transData
        )
        ellipses.set(facecolor=color, edgecolor=color, alpha=0.35, linewidth=0.8)
        ax.add_collection(ellipses)
        ax.plot(*mean[own].T, ".", ms=3, color=color)
        handles.append(Line2D([], [], marker="o", ls="", color=color, label=f"class {label}"))
    low, high = (mean - 1.5 * std).min(0), (mean + 1.5 * std).max(0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="code, first number", ylabel="code, second number")
    ax.legend(handles=handles, fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_sandwich(distances: Sequence[float], std: float, *, highlight: float | None = None, ax=None, title: str = ""):
    """Two one-dimensional codes drawn apart: closed forms, the exact value and the ceiling ln 2 against the distance.

    Args:
        distances: of the two means, >= 0, ascending.
        std: standard deviation of both codes.
        highlight: a distance to mark.
        ax: axes to draw on; new ones if absent.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (7, 4))
    pairs = [two_codes(d, std) for d in distances]
    for method, style in (("jensen_exact", "C3-"), ("kl_upper", "C1-"), ("bhatt_lower", "C0-")):
        label = f"{method} ({METHODS[method].direction} bound)"
        ax.plot(distances, [float(encoder_information(pair, method)) for pair in pairs], style, label=label)
    ax.plot(distances, [quadrature_information(pair) for pair in pairs], "k-", lw=2.2, label="exact, by quadrature")
    ax.axhline(np.log(2), color="0.4", ls="--", lw=1.2)
    ax.annotate("ln N, N = 2", (distances[0], np.log(2)), xytext=(2, 3), textcoords="offset points", fontsize=9)
    if highlight is not None:
        ax.axvline(highlight, color="0.6", lw=1)
    ax.set(xlabel="distance of the two means", ylabel="I(X;Z)  [nats]", ylim=(0, 1.4))
    ax.legend(fontsize=9, loc="lower right")
    ax.set_title(title)
    return fig, ax


def two_codes(distance: float, std: float) -> GaussianCodes:
    """Two codes of one dimension, ``distance`` apart, equal standard deviations; float64."""
    mean = torch.tensor([[-distance / 2], [distance / 2]], dtype=torch.float64)
    return GaussianCodes(mean, torch.full_like(mean, std))


def plot_split(split: Mapping[str, tuple[float, float]], label_entropy: float, *, ax=None, title: str = ""):
    """I(X;Z) as a stack of what is about the label and what is not.

    Args:
        split: name to (I(Y;Z), I(X;Z|Y)), nats.
        label_entropy: H(Y), nats: the most that the lower part can be.
        ax: axes to draw on; new ones if absent.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (7, 4))
    about, beyond = np.array(list(split.values())).T
    ax.bar(range(len(split)), about, color="C0", label="I(Y;Z): about the label")
    ax.bar(range(len(split)), beyond, bottom=about, color="C1", label="I(X;Z|Y): beyond it")
    ax.axhline(label_entropy, color="0.3", ls="--", lw=1.2)
    ax.annotate(
        f"H(Y) = {label_entropy:.2f}", (-0.4, label_entropy), xytext=(0, 3), textcoords="offset points", fontsize=9
    )
    ax.set_xticks(range(len(split)), list(split))
    ax.set(ylabel="nats", ylim=(0, 1.3 * max((about + beyond).max(), label_entropy)))
    ax.legend(fontsize=9, loc="upper left", ncol=2)
    ax.set_title(title)
    return fig, ax
