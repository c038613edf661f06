"""Figures of information and spread show the numbers they are given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from corelib.koopman.information_plots import (
    plot_ceiling,
    plot_estimates,
    plot_horizon,
    plot_order,
    plot_parts,
    plot_price,
    plot_spectra,
    plot_tank,
)

pytestmark = pytest.mark.ch05
GAINS = torch.tensor([10.0, 2.0, 0.5], dtype=torch.float64)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def texts(artists):
    return [artist.get_text() for artist in artists]


def heights(ax, label):
    (bars,) = [c for c in ax.containers if c.get_label() == label]
    return [bar.get_height() for bar in bars]


@pytest.mark.parametrize(("chain", "tails"), [("x", {"x": 2, "x'": 1}), ("z", {"z": 2, "z'": 1})])
def test_arrows_leave_the_chain_and_bars_keep_their_order(chain, tails):
    values = {"I(x; x')": 0.8, "I(z; x')": 0.4, "I(z; z')": 0.2}
    _, (graph, bars) = plot_order(values, chain=chain, title="finding")
    names = {(0, 1): "x", (1, 1): "x'", (0, 0): "z", (1, 0): "z'"}
    starts = [names[text.xyann] for text in graph.texts if text.get_text() == ""]
    assert {name: starts.count(name) for name in set(starts)} == tails
    assert [bar.get_width() for bar in bars.patches] == list(values.values())
    assert texts(bars.get_yticklabels()) == list(values) and bars.yaxis_inverted()
    assert graph.get_title() == "finding" and bars.get_xlabel() == "nats"


def test_another_chain_is_refused():
    with pytest.raises(ValueError, match="chain is 'y'; expected 'x' or 'z'"):
        plot_order({"I": 1.0}, chain="y")


def test_horizons_have_one_line_a_curve_and_the_guide_is_dashed():
    _, ax = plot_horizon(
        [1, 2, 4], {"slow": [3, 2, 1], "fast": [3, 1, 0.1]}, xscale="log", guide=("1/n", [1, 0.5, 0.25])
    )
    assert [list(line.get_ydata()) for line in ax.lines] == [[3, 2, 1], [3, 1, 0.1], [1, 0.5, 0.25]]
    assert ax.lines[-1].get_linestyle() == "--" and texts(ax.get_legend().get_texts()) == ["slow", "fast", "1/n"]
    assert ax.get_xscale() == ax.get_yscale() == "log" and ax.get_ylim() == (1e-3, 6)


def test_estimates_have_bars_of_two_standard_errors():
    _, ax = plot_estimates([1, 2], [0.5, 0.4], {"KSG": ([0.6, 0.3], [0.1, 0.2])}, xlabel="n")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 0.4])
    ends = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([end[:, 1] for end in ends], [[0.4, 0.8], [-0.1, 0.7]])
    assert ax.get_ylim()[0] <= -0.1 and ax.get_xlabel() == "n"


def test_parts_stand_on_each_other():
    parts = {"coherent": [1.0, 0.5], "dissipating": [0.5, 1.0], "residual": [2.0, 2.0]}
    _, ax = plot_parts(parts, (1, 20), xlabel="n")
    assert [[bar.get_y() for bar in bars] for bars in ax.containers] == [[0, 0], [1, 0.5], [1.5, 1.5]]
    assert [heights(ax, name) for name in parts] == list(parts.values())
    assert texts(ax.get_xticklabels()) == ["1", "20"] and texts(ax.get_legend().get_texts()) == list(parts)
    assert plot_parts(parts, (1, 20), xlabel="n", legend=False)[1].get_legend() is None


def test_the_tank_holds_its_power_below_one_level():
    _, ax = plot_tank(GAINS, 1.0, labels=["a", "b", "c"])
    np.testing.assert_allclose(heights(ax, "power p"), [0.7, 0.3, 0], atol=1e-12)
    np.testing.assert_allclose(heights(ax, "ground 1/g"), [0.1, 0.5, 2])
    assert ax.lines[0].get_ydata()[0] == pytest.approx(0.8) and ax.lines[0].get_linestyle() == "-"
    assert texts(ax.texts) == ["0.7", "0.3", "dry"] and texts(ax.get_xticklabels()) == ["a", "b", "c"]
    assert "effective dimension 1.84 of 3" in ax.get_title()
    assert "water level ν: 0.80" in texts(ax.get_legend().get_texts())


def test_with_entropy_no_mode_is_dry_and_the_level_is_only_for_comparison():
    _, ax = plot_tank(GAINS, 1.0, gamma=0.1)
    np.testing.assert_allclose(heights(ax, "power p"), [0.653103, 0.336621, 0.010275], atol=1e-6)
    assert "dry" not in texts(ax.texts) and ax.lines[0].get_linestyle() == "--"
    assert ax.lines[0].get_ydata()[0] == pytest.approx(0.8)
    assert "level without entropy: 0.80" in texts(ax.get_legend().get_texts())


def test_high_ground_is_cut_and_says_how_high_it_is():
    _, ax = plot_tank(torch.tensor([10.0, 2.0, 1e-3]), 1.0)
    assert heights(ax, "ground 1/g")[2] == pytest.approx(3.5 * 0.8)
    assert "cut:\n1/g is\n1e+03" in texts(ax.texts)


def test_the_price_marks_the_points_asked_for():
    _, ax = plot_price([2.0, 3.0, 4.0], [1.0, 0.9, 0.5], {2: "much"})
    assert list(ax.lines[0].get_xdata()) == [2, 3, 4]
    assert (ax.lines[1].get_xdata()[0], ax.lines[1].get_ydata()[0]) == (4, 0.5)
    assert texts(ax.texts) == ["much"]


def test_spectra_are_shares_from_the_largest_down():
    _, ax = plot_spectra({"raw": torch.tensor([0.2, 1.8]), "white": torch.ones(2)})
    np.testing.assert_allclose([bar.get_height() for bar in ax.containers[0]], [0.9, 0.1], rtol=1e-6)
    np.testing.assert_allclose([bar.get_height() for bar in ax.containers[1]], [0.5, 0.5])
    assert texts(ax.get_legend().get_texts()) == ["raw: effective dimension 1.38", "white: effective dimension 2.00"]


def test_the_ceiling_stands_beside_what_is_certified_and_what_is_true():
    _, ax = plot_ceiling([2, 8], np.log([2, 8]), {"r": ([0.3, 0.7], 0.83)}, xlabel="candidates")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.log([2, 8]))
    assert list(ax.lines[1].get_ydata()) == [0.3, 0.7] and ax.lines[2].get_ydata()[0] == 0.83
    assert texts(ax.get_legend().get_texts()) == ["ceiling", "r: certified", "r: true, 0.83"]
    assert ax.get_xscale() == "log" and ax.get_ylim()[1] == pytest.approx(1.25 * 0.83)
