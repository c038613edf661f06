"""One look for every figure: readable on a projector, safe for colour-blind readers.

Colours: Okabe and Ito (2008), "Color Universal Design". Figures are 100 dots per inch.
"""

from collections.abc import Mapping
from types import MappingProxyType

from corelib.notebook.files import require

COLORS: Mapping[str, str] = MappingProxyType(
    {
        "blue": "#0072B2",
        "vermilion": "#D55E00",
        "green": "#009E73",
        "purple": "#CC79A7",
        "orange": "#E69F00",
        "sky": "#56B4E9",
        "yellow": "#F0E442",
        "black": "#000000",
        "grey": "#767676",
    }
)
# Yellow vanishes on white, black on a dark ground.
_CYCLE_LIGHT = ("blue", "vermilion", "green", "purple", "orange", "sky", "black")
_CYCLE_DARK = ("sky", "orange", "green", "yellow", "purple", "vermilion", "grey")


def use_style(dark: bool = False) -> None:
    """Set matplotlib's defaults for the whole session.

    Args:
        dark: light lines on a dark ground instead of dark lines on white.

    Raises:
        ImportError: matplotlib is not installed.
    """
    matplotlib = require("matplotlib")
    ink, paper, grid = ("#E6E6E6", "#111111", "#3A3A3A") if dark else ("#1A1A1A", "#FFFFFF", "#D9D9D9")
    cycle = [COLORS[name] for name in (_CYCLE_DARK if dark else _CYCLE_LIGHT)]
    matplotlib.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.figsize": (6.4, 4.0),
            "figure.facecolor": paper,
            "savefig.facecolor": paper,
            "figure.constrained_layout.use": True,
            "axes.facecolor": paper,
            "axes.edgecolor": ink,
            "axes.labelcolor": ink,
            "axes.titlecolor": ink,
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": matplotlib.cycler(color=cycle),
            "grid.color": grid,
            "grid.linewidth": 0.6,
            "font.size": 11,
            "text.color": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "legend.frameon": False,
            "legend.fontsize": 10,
            "lines.linewidth": 1.8,
            "image.cmap": "viridis",
        }
    )


def layer_colors(n: int, *, dark: bool = False) -> list[str]:
    """One colour a layer, in order of depth, told apart by lightness alone.

    Args:
        n: number of layers.
        dark: for a dark ground, where the darkest colours are left out instead of the lightest.

    Returns:
        ``n`` colours as ``"#rrggbb"``, growing lighter with the index.

    Raises:
        ValueError: ``n`` is not an integer of at least 1.
        ImportError: matplotlib is not installed.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n is {n!r}; expected an integer >= 1")
    colormap = require("matplotlib").colormaps["viridis"]
    to_hex = require("matplotlib.colors").to_hex
    low, high = (0.3, 1.0) if dark else (0.0, 0.85)
    return [to_hex(colormap(low + (high - low) * i / max(n - 1, 1))) for i in range(n)]
