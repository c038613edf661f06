"""Profile, style, source and widgets: what a reader sees."""

import importlib.util

import matplotlib
import matplotlib.pyplot as plt
import pytest

from corelib.information import ebab_edges
from corelib.notebook import COLORS, Profile, interactive_figure, layer_colors, profile, show_source, use_style

matplotlib.use("Agg")


def test_the_profile_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert profile().name == "quick"
    monkeypatch.setenv("COURSE_PROFILE", "laptop")
    assert profile().pick(quick=1, laptop=2, gpu=3) == 2 and profile().n_jobs >= 1
    monkeypatch.setenv("COURSE_PROFILE", "huge")
    with pytest.raises(ValueError, match="COURSE_PROFILE is 'huge'; expected one of quick, laptop, gpu"):
        profile()


def test_a_profile_falls_back_to_the_next_smaller_size():
    assert Profile("gpu").pick(quick=1) == 1 and Profile("gpu").pick(quick=1, laptop=None) is None


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(dark):
    with matplotlib.rc_context():
        use_style(dark)
        ink, paper = (matplotlib.colors.to_rgb(matplotlib.rcParams[key])[0] for key in ("text.color", "axes.facecolor"))
        assert abs(ink - paper) > 0.7 and matplotlib.rcParams["figure.dpi"] == 100


def test_layer_colours_grow_lighter():
    luminance = [sum(matplotlib.colors.to_rgb(c)) for c in layer_colors(6)]
    assert len(set(layer_colors(6))) == 6 and luminance[0] < luminance[-1]
    assert len(COLORS) >= 7
    with pytest.raises(ValueError, match="n is 0"):
        layer_colors(0)


def test_source_is_shown_with_its_tests():
    shown = show_source(ebab_edges)
    assert shown.name == "corelib.information.binning.ebab_edges"
    assert "tests/information/test_binning.py" in shown.tests
    assert "def ebab_edges(" in repr(shown) and "<pre" in shown._repr_html_()
    with pytest.raises(TypeError, match="expected a function, class or method"):
        show_source(3)


@pytest.mark.parametrize("wanted", ["0", "1"])
def test_the_static_figure_is_always_drawn_once_and_sliders_only_where_wanted(monkeypatch, wanted):
    shown = []
    display = importlib.import_module("IPython.display")
    monkeypatch.setattr(display, "display", shown.append)
    monkeypatch.setenv("COURSE_WIDGETS", wanted)

    def draw(x=1.0):
        fig, ax = plt.subplots()
        ax.plot([0, x])
        return fig, ax

    interactive_figure(draw, x=(0.0, 2.0))
    assert isinstance(shown[0], matplotlib.figure.Figure) and len(shown) == (1 if wanted == "0" else 2)
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match="control 'y' is not a parameter"):
        interactive_figure(draw, y=(0, 1))
