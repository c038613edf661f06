"""The icosahedron with its lamps. Matplotlib is imported inside the functions."""

from collections.abc import Sequence

import numpy as np

from corelib.datasets.spherical import band_powers, icosahedron, pattern_features, szt_task


def plot_patterns(patterns: Sequence[int] = (711, 917, 3850)):
    """Some of the 4096 patterns as lamps on an icosahedron, titled with what decides their label.

    Args:
        patterns: row numbers, 0 .. 4095.

    Returns:
        ``fig, axes``.

    Raises:
        ValueError: a row that does not exist.
    """
    import matplotlib.pyplot as plt

    if not all(0 <= r < 4096 for r in patterns):
        raise ValueError(f"patterns is {tuple(patterns)}; expected rows 0 .. 4095")
    task, ball = szt_task(), icosahedron()
    fig, axes = plt.subplots(
        1, len(patterns), figsize=(3.1 * len(patterns), 3.4), subplot_kw={"projection": "3d"}, squeeze=False
    )
    for ax, row in zip(axes[0], patterns, strict=True):
        lit = task.x[row].numpy() > 0
        for i, j in np.argwhere(np.triu(ball.neighbours)):
            both = lit[i] and lit[j]
            ax.plot(*ball.vertices[[i, j]].T, color="#E69F00" if both else "0.75", lw=2.5 if both else 0.8)
        colors = np.where(lit, "#E69F00", "0.35")
        ax.scatter(*ball.vertices.T, c=colors, s=np.where(lit, 140, 40), depthshade=False, edgecolors="0.2")
        k, a, c = pattern_features(task.x[row : row + 1])[0]
        ax.set_title(f"row {row}: label {task.y[row]}\n{k} lamps, {a} lit edges, {c} lit antipodes", fontsize=10)
        ax.set_axis_off()
        ax.set_box_aspect((1, 1, 1), zoom=1.25)
    return fig, axes[0]


def plot_rule():
    """The label as a threshold on the rotation-invariant spectrum: every pattern's score, coloured by its label.

    Returns:
        ``fig, ax``.
    """
    import matplotlib.pyplot as plt

    task = szt_task()
    score = band_powers(task.x) @ [1 / 12, 0.33989, 0.22222, 0.21566]
    weight = task.x.numpy().sum(1)
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(weight))
    fig, ax = plt.subplots(figsize=(6.2, 3.4))
    for label, color in ((0, "#0072B2"), (1, "#D55E00")):
        chosen = task.y.numpy() == label
        ax.plot(weight[chosen] + jitter[chosen], score[chosen], ".", color=color, ms=3, label=f"label {label}")
    ax.axhline(0.99421, color="0.3", ls="--", lw=1)
    ax.legend(markerscale=4, loc="upper left")
    ax.set(
        xlabel="lamps on",
        ylabel="weighted band power",
        title="One threshold on the spectrum gives every label; no count of lamps does",
    )
    return fig, ax
