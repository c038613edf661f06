"""Figures about nearest-neighbour estimators. Every function returns ``fig, ax``; values are in nats.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from corelib.axes import axes_or_new
from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.ksg import ksg_mi
from corelib.information.neighbors.search import joint_neighbors
from corelib.information.neighbors.weights import kl_weights


def plot_anatomy(x: np.ndarray, y: np.ndarray, *, point: int = 0, k: int = 3, variant: int = 1):
    """How KSG reads one sample: the square that reaches its k-th neighbour, the two strips, and every sample's share.

    Args:
        x: shape ``(N,)``.
        y: shape ``(N,)``.
        point: the sample to look at, 0 <= point < N.
        k: number of neighbours.
        variant: 1 or 2; the square of variant 1 is drawn.

    Returns:
        ``fig, axes``: the sample with its strips; all samples coloured by what they add to the estimate.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    x, y = (np.asarray(side, dtype=np.float64).reshape(-1, 1) for side in (x, y))
    eps = joint_neighbors(x, y, k).eps
    n_x, n_y = (int(count_within(side, eps)[point]) for side in (x, y))
    found = ksg_mi(x, y, k, variant=variant, standardize=False)
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2))
    here, reach = (x[point, 0], y[point, 0]), eps[point]
    left.axvspan(here[0] - reach, here[0] + reach, color="#56B4E9", alpha=0.25, lw=0)
    left.axhspan(here[1] - reach, here[1] + reach, color="#E69F00", alpha=0.25, lw=0)
    left.scatter(x, y, s=9, color="0.45")
    left.add_patch(
        Rectangle((here[0] - reach, here[1] - reach), 2 * reach, 2 * reach, fill=False, ec="#D55E00", lw=1.8)
    )
    left.plot(*here, "o", color="#D55E00", ms=6)
    left.set_title(
        f"k = {k} in the square of half-width {reach:.2f};\n{n_x} others in the blue strip, {n_y} in the orange"
    )
    left.set(xlabel="x", ylabel="y")
    bound = np.abs(found.local).max()
    colored = right.scatter(x, y, c=found.local, s=12, cmap="RdBu_r", vmin=-bound, vmax=bound)
    fig.colorbar(colored, ax=right, label="local information  [nats]")
    right.set(xlabel="x", ylabel="y", title=f"Their mean is the estimate: {found.value:.2f} ± {found.stderr:.2f} nats")
    return fig, np.array([left, right])


def plot_weights(*, k: int = 20, d: int = 8, ax=None):
    """The weights of :func:`kl_weights` as bars, with their norm.

    Args:
        k: number of neighbours.
        d: dimension.
        ax: axes to draw on; new ones when not given.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.2))
    w = kl_weights(k, d)
    ax.bar(np.arange(1, k + 1), w, color=np.where(w < 0, "#D55E00", "#0072B2"))
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="neighbour j", ylabel="weight w_j", title=f"k = {k}, d = {d}: norm {np.linalg.norm(w):.3g}, sum 1")
    return fig, ax


def plot_errors_by_size(
    sizes: Sequence[float], errors: Mapping[str, Sequence[float]], *, ax=None, title: str = "", ylabel: str
):
    """Absolute errors against the number of samples, both on logarithmic axes, each curve named at its end.

    Args:
        sizes: numbers of samples, shape ``(T,)``.
        errors: name to values > 0, shape ``(T,)``.
        ax: axes to draw on; new ones when not given.
        title: the finding.
        ylabel: what the errors are, with their unit.

    Returns:
        ``fig, ax``.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.4))
    for name, values in errors.items():
        ax.loglog(sizes, values, "o-", label=name)
    ax.legend()
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.minorticks_off()
    ax.set(xlabel="samples N", ylabel=ylabel, title=title)
    return fig, ax
