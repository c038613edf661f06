"""What the figures of latent models draw: the data they are given, on labelled axes."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from corelib.koopman.forecast_plots import plot_forecast_errors, plot_latents, plot_spectra, plot_trade_off
from corelib.koopman.training import History

pytestmark = pytest.mark.ch05


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def history(spectra) -> History:
    return History({"entropy": np.zeros(3)}, np.arange(len(spectra)), np.array(spectra))


def test_latents_are_drawn_where_they_are_and_coloured_by_their_values():
    points = np.arange(12.0).reshape(4, 3)
    fig, ax = plot_latents(points, [0, 1, 2, 3], label="velocity, rad/s", limits=(-5, 5))
    dots = ax.collections[0]
    assert np.allclose(np.array(dots._offsets3d), points.T)
    assert dots.get_clim() == (-5, 5)
    assert fig.axes[1].get_ylabel() == "velocity, rad/s"
    assert (ax.get_xlabel(), ax.get_zlabel()) == ("$z_1$", "$z_3$")


def test_latents_without_a_bar_have_one_pair_of_axes():
    fig, _ = plot_latents(np.eye(3), [0, 1, 2], label="angle", bar=False)
    assert len(fig.axes) == 1


def test_spectra_are_one_line_a_snapshot_and_stop_at_the_floor():
    _, ax = plot_spectra(history([[0.5, 0.5], [1.0, 0.0]]), floor=1e-4)
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.5, 0.5], [1.0, 1e-4]]
    assert [line.get_label() for line in ax.lines] == ["step 0", "step 1"]
    assert ax.get_yscale() == "log"


def test_errors_of_several_seeds_are_their_mean_with_a_band():
    _, ax = plot_forecast_errors({"one": [0.1, 0.2], "two": [[0.2, 0.4], [0.4, 0.8]]}, dashed=("one",))
    lines = {line.get_label(): line for line in ax.lines}
    assert np.allclose(lines["two"].get_ydata(), [0.3, 0.6])
    assert list(lines["one"].get_xdata()) == [1, 2]
    assert (lines["one"].get_linestyle(), lines["two"].get_linestyle()) == ("--", "-")
    assert len(ax.collections) == 1


def test_an_infinite_error_leaves_the_figure():
    _, ax = plot_forecast_errors({"lost": [0.5, np.inf]}, colors={"lost": "#D55E00"})
    drawn = ax.lines[0].get_ydata()
    assert drawn[0] == 0.5
    assert np.isnan(drawn[1])
    assert ax.lines[0].get_color() == "#D55E00"


def test_the_trade_off_has_a_dot_for_every_seed_and_a_place_for_weight_zero():
    errors = {"transient": [[0.8, 0.9], [0.6, 0.7], [0.9, 1.0]], "saturated": [[0.1, 0.1], [0.1, 0.2], [0.3, 0.4]]}
    _, axes = plot_trade_off([0, 0.01, 0.1], errors, [[2, 3], [5, 6], [20, 21]])
    mean, dots = axes[1].lines[:2]
    assert np.allclose(mean.get_ydata(), [0.85, 0.65, 0.95])
    assert list(dots.get_ydata()) == [0.8, 0.9, 0.6, 0.7, 0.9, 1.0]
    assert mean.get_xdata()[0] < 0.01
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["0", "0.01", "0.1"]
    assert "effective" in axes[0].get_ylabel()
