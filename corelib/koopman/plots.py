"""Figures of flows, spectra and forecasts. Every function that draws returns ``fig, ax``.

Matplotlib is imported inside the functions, so that the library does not need it until a figure is drawn.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.axes import axes_or_new
from corelib.datasets.ocean import OceanTemperature

GREY, BLUE, VERMILION, GREEN, BLACK = "#767676", "#0072B2", "#D55E00", "#009E73", "#000000"


def plot_film(
    pictures: Tensor,
    titles: Sequence[str],
    *,
    pixel: float = 0.25,
    disc: tuple[float, float, float] | None = None,
    limit: float | None = None,
    label: str = "",
    columns: int = 3,
    title: str = "",
):
    """Pictures of a flow side by side, on one colour scale that is white at 0.

    Args:
        pictures: shape ``(N, H, W)``, the first row uppermost.
        titles: one a picture.
        pixel: size of a pixel, diameters.
        disc: a cylinder to draw: x, y and radius, diameters.
        limit: end of the colour scale on either side; the largest absolute value when not given.
        label: of the colour bar; no bar if empty.
        columns: pictures in a row.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(pictures) // columns)
    height, width = (pixel * side for side in pictures.shape[-2:])
    size = (3.0 * columns + 0.8, rows * (2.7 * height / width + 0.25) + 0.7)
    fig, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained")
    limit = limit or float(pictures.abs().max())
    for ax in axes.flat[len(pictures) :]:
        ax.set_visible(False)
    for ax, picture, name in zip(axes.flat, pictures, titles, strict=False):
        image = ax.imshow(picture.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit, extent=(0, width, height, 0))
        if disc is not None:
            ax.add_patch(plt.Circle(disc[:2], disc[2], color=GREY))
        ax.set_title(name, fontsize=10)
        ax.grid(False)
    for ax in axes[-1]:
        ax.set_xlabel("x, diameters")
    for ax in axes[:, 0]:
        ax.set_ylabel("y, diameters")
    if label:
        fig.colorbar(image, ax=axes, label=label, shrink=0.9)
    fig.suptitle(title)
    return fig, axes


def animate(
    pictures: Tensor,
    *,
    limit: float,
    pixel: float = 0.25,
    disc: tuple[float, float, float] | None = None,
    scale: int = 5,
    milliseconds: int = 80,
) -> bytes:
    """A GIF of pictures that starts again when it ends; blue below 0, white at 0, red above.

    Args:
        pictures: shape ``(N, H, W)``.
        limit: end of the colour scale on either side, > 0.
        pixel: size of a pixel, diameters.
        disc: a cylinder to draw: x, y and radius, diameters.
        scale: screen pixels a pixel, with smooth steps between them.
        milliseconds: each picture is shown for.

    Returns:
        The file's bytes.
    """
    from matplotlib import colormaps
    from PIL import Image, ImageDraw

    levels = 17  # few colours make a small file; an odd number, so that 0 has one of its own
    colors = (255 * colormaps["RdBu_r"](np.linspace(0, 1, levels))[:, :3]).round().astype(np.uint8)
    palette = colors.tobytes() + bytes([0x76] * 3)  # the last is the disc's grey
    frames = []
    for picture in pictures:
        grey = ((picture / limit).clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8)
        smooth = Image.fromarray(grey.numpy()).resize((scale * grey.shape[1], scale * grey.shape[0]), Image.BICUBIC)
        frame = Image.fromarray((np.asarray(smooth) * ((levels - 1) / 255)).round().astype(np.uint8), mode="P")
        frame.putpalette(palette)
        if disc is not None:
            x, y, radius = (scale / pixel * length for length in disc)
            ImageDraw.Draw(frame).ellipse((x - radius, y - radius, x + radius, y + radius), fill=levels)
        frames.append(frame)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return file.getvalue()


def plot_left_out(spectra: Mapping[str, Tensor], *, level: float, ax=None, title: str = ""):
    """What the leading directions of each data set leave out of its variance, on logarithmic scales.

    Args:
        spectra: singular values of the centred data, descending, shape ``(r,)``, by name.
        level: share to mark, such as 0.001.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (6.0, 3.6))
    for color, (name, values) in zip((VERMILION, BLUE, GREEN), spectra.items(), strict=False):
        squares = values.double() ** 2
        left = 1 - squares.cumsum(0) / squares.sum()
        enough = int((left > level).sum()) + 1
        ax.plot(range(1, len(left)), left[:-1], color=color, label=f"{name}: {enough} directions for {1 - level:.1%}")
        ax.plot(enough, left[enough - 1], "o", color=color)
    ax.axhline(level, color=GREY, ls=":", lw=1.2)
    ax.set(xscale="log", yscale="log", xlabel="directions kept", ylabel="share of variance left out")
    ax.set_ylim(1e-8, 2)  # below lies rounding
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_straightened(states: Tensor, values: Tensor, *, names: Sequence[str], title: str = ""):
    """Paths in the plane of their states, and in the plane of two eigenfunctions on logarithmic scales.

    Args:
        states: paths, shape ``(P, T, 2)``.
        values: two eigenfunctions along them, real and not 0, shape ``(P, T, 2)``; absolute values are drawn.
        names: of the two eigenfunctions.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), layout="constrained")
    x = np.linspace(float(states[..., 0].min()), float(states[..., 0].max()), 101)
    axes[0].plot(x, x**2, "--", color=BLACK, lw=1.2, label="slow manifold y = x²")
    for path, moved in zip(states, values.abs(), strict=True):
        axes[0].plot(*path.T, "o-", color=BLUE, ms=3, lw=0.8)
        axes[1].plot(*moved.T, "o-", color=BLUE, ms=3, lw=0.8)
    axes[0].locator_params(axis="x", nbins=5)
    axes[0].set(xlabel="x", ylabel="y", title="states: curves")
    axes[0].legend(fontsize=9)
    axes[1].set(xscale="log", yscale="log", xlabel=names[0], ylabel=names[1], title="eigenfunctions: parallel lines")
    axes[1].set_xticks([0.2, 0.5, 1], ["0.2", "0.5", "1"])
    axes[1].minorticks_off()
    fig.suptitle(title)
    return fig, axes


def plot_eigenvalues(
    eigenvalues: Tensor,
    *,
    trusted: Tensor | None = None,
    names: tuple[str, str] = ("exact", "spurious"),
    labels: Sequence[str] | None = None,
    ax=None,
    title: str = "",
):
    """Eigenvalues in the complex plane, with the unit circle.

    Args:
        eigenvalues: complex, shape ``(m,)``.
        trusted: which are dots, bool, shape ``(m,)``; the others are crosses. All when not given.
        names: of dots and crosses, for the legend that is drawn if ``trusted`` is given.
        labels: text at each eigenvalue, on the far side of 0.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (4.6, 4.4))
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=GREY, lw=1)
    kept = torch.ones(len(eigenvalues), dtype=torch.bool) if trusted is None else trusted
    for rows, marker, color, name in ((kept, "o", BLUE, names[0]), (~kept, "x", VERMILION, names[1])):
        ax.plot(eigenvalues[rows].real, eigenvalues[rows].imag, marker, color=color, ms=6, label=name)
    for value, text in zip(eigenvalues.tolist(), labels or [], strict=False):
        outward = value / (abs(value) or 1)
        at = (12 * outward.real, 12 * outward.imag)
        place = {"ha": "left" if outward.real > -0.2 else "right", "va": "center", "fontsize": 9}
        ax.annotate(text, (value.real, value.imag), xytext=at, textcoords="offset points", **place)
    if trusted is not None:
        ax.legend(fontsize=9, loc="lower left")
    ax.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    ax.set_title(title)
    return fig, ax


def plot_residuals(eigenvalues: Tensor, residuals: Tensor, *, threshold: float, ax=None, title: str = ""):
    """How far each eigenfunction is from being multiplied by its eigenvalue, over the eigenvalue's modulus.

    Args:
        eigenvalues: complex, shape ``(m,)``.
        residuals: relative errors of a step, >= 0, shape ``(m,)``; 1e-17 stands for 0.
        threshold: below it a pair is exact (dots), above it spurious (crosses).
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.2, 3.8))
    exact = residuals < threshold
    for rows, marker, color, name in ((exact, "o", BLUE, "exact"), (~exact, "x", VERMILION, "spurious")):
        label = f"{name}: {int(rows.sum())}"
        ax.plot(eigenvalues.abs()[rows], residuals.clamp_min(1e-17)[rows], marker, color=color, label=label)
    ax.axhline(threshold, color=GREY, ls=":", lw=1.2)
    ax.set(yscale="log", ylim=(1e-18, 10), xlabel="modulus of the eigenvalue", ylabel="residual on fresh states")
    ax.legend(fontsize=9, loc="upper right")
    ax.set_title(title)
    return fig, ax


def plot_horizon(
    errors: Mapping[str, Tensor],
    *,
    step: float = 1.0,
    xlabel: str,
    ylabel: str,
    level: tuple[str, float] | None = None,
    log: bool = False,
    ax=None,
    title: str = "",
):
    """Errors of forecasts over how far ahead they look.

    Args:
        errors: one a step ahead, shape ``(H,)``, by method.
        step: length of a step, in the unit of ``xlabel``.
        xlabel: what is across.
        ylabel: what is up.
        level: name and value of a line to mark.
        log: logarithmic scale of errors.
        ax: axes to draw on; new ones when not given.
        title: the finding.
    """
    fig, ax = axes_or_new(ax, (5.6, 3.6))
    for color, (name, values) in zip((BLUE, VERMILION, GREY, GREEN), errors.items(), strict=False):
        ax.plot(step * np.arange(1, len(values) + 1), values, color=color, label=name)
    if level is not None:
        ax.axhline(level[1], color=BLACK, ls="--", lw=1, label=level[0])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if log:
        ax.set_yscale("log")
    ax.legend(fontsize=9)
    ax.set_title(title)
    return fig, ax


def plot_ocean(ocean: OceanTemperature, maps: Mapping[str, Tensor], *, limit: float, label: str, title: str = ""):
    """Maps of the tropical seas, one above the other, white at 0; land is grey.

    Args:
        ocean: where the sea points are.
        maps: a value a sea point, shape ``(n,)``, by the map's title.
        limit: end of the colour scale on either side.
        label: of the colour bar.
        title: the finding.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        len(maps), 1, figsize=(9.6, 1.45 * len(maps) + 0.8), sharex=True, squeeze=False, layout="constrained"
    )
    east, north = ocean.longitude, ocean.latitude
    half_east, half_north = float(east[1] - east[0]) / 2, float(north[1] - north[0]) / 2
    edges = (east[0] - half_east, east[-1] + half_east, north[0] - half_north, north[-1] + half_north)
    for ax, (name, values) in zip(axes[:, 0], maps.items(), strict=True):
        picture = ocean.to_map(values).numpy()
        ax.set_facecolor("0.75")
        image = ax.imshow(
            picture, cmap="RdBu_r", vmin=-limit, vmax=limit, origin="lower", aspect="auto",
            extent=tuple(float(edge) for edge in edges),
        )  # fmt: skip
        ax.set(yticks=[-5, 0, 5], ylabel="° north")
        ax.set_title(name, fontsize=10)
        ax.grid(False)
    axes[-1, 0].set(xlabel="longitude, ° east (grey: land)", xticks=range(0, 361, 60))
    fig.colorbar(image, ax=axes, label=label, shrink=0.9)
    fig.suptitle(title)
    return fig, axes
