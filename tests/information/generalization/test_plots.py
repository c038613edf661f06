"""Figures of rank studies show the numbers of their tables, and refuse what they cannot show."""

import matplotlib
import numpy as np
import pytest

from corelib.information.generalization.plots import plot_granulated, plot_league, plot_rate_against_gap
from corelib.information.generalization.rank_study import correlation_table, granulated_kendall

pytestmark = pytest.mark.ch01


@pytest.fixture(autouse=True)
def close_figures():
    matplotlib.use("Agg")
    yield
    matplotlib.pyplot.close("all")


def table():
    rng = np.random.default_rng(0)
    gap = rng.standard_normal(40)
    measures = {
        "1/sqrt(n)": gap + rng.standard_normal(40),
        "twin": gap + rng.standard_normal(40),
        "against": -gap,
    }
    return correlation_table(gap, measures, groups=range(40))


def test_the_league_is_sorted_and_opens_the_dots_that_do_not_differ():
    found = table()
    fig, ax = plot_league(found, title="who wins")
    fig.canvas.draw()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [row.measure for row in found.ranked()] and names[-1] == "against"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # best on top
    dots = {names[int(line.get_ydata()[0])]: line for line in ax.lines if line.get_marker() == "o"}
    assert {name: float(dot.get_xdata()[0]) for name, dot in dots.items()} == {
        r.measure: r.spearman for r in found.rows
    }
    assert found["twin"].diff_lo < 0 < found["twin"].diff_hi
    assert dots["twin"].get_markerfacecolor() == "white" != dots["against"].get_markerfacecolor()
    bars = {names[int(line.get_ydata()[0])]: line.get_xdata() for line in ax.lines if len(set(line.get_xdata())) == 2}
    for row in found.rows:
        np.testing.assert_allclose(bars[row.measure], [row.lo, row.hi])
        assert ax.get_xlim()[0] <= row.lo and row.hi <= ax.get_xlim()[1]
    assert "40 settings" in ax.get_xlabel() and ax.get_title() == "who wins"


def test_the_heat_map_prints_every_value_and_the_mean():
    factors = {"n": [50, 50, 200, 200], "weight_decay": [0, 0.1, 0, 0.1]}
    gap = [4.0, 3.0, 2.0, 1.0]
    scores = {"right": granulated_kendall(gap, gap, factors), "flat": granulated_kendall([2, 2, 1, 1], gap, factors)}
    fig, ax = plot_granulated(scores)
    fig.canvas.draw()
    assert [t.get_text() for t in ax.texts] == ["1.00", "1.00", "1.00", "1.00", "0.00", "0.50"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["n", "weight decay", "mean Ψ"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["right", "flat"]
    with pytest.raises(ValueError, match="expected one list for all"):
        plot_granulated({**scores, "other": granulated_kendall([1.0, 2.0], [1.0, 2.0], {"n": [1, 2]})})
    with pytest.raises(ValueError, match="expected one list for all"):
        plot_granulated({})


def test_the_scatter_shows_every_point_once_and_names_both_factors():
    rate, gap = np.arange(6.0), np.arange(6.0) ** 2
    names = {"color_name": "n", "marker_name": "label noise"}
    fig, ax = plot_rate_against_gap(rate, gap, [50, 50, 50, 200, 200, 200], [0.0, 0.2] * 3, **names)
    fig.canvas.draw()
    drawn = sorted((float(x), float(y)) for line in ax.lines for x, y in zip(*line.get_data(), strict=True))
    assert drawn == list(zip(rate, gap, strict=True))
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["n = 50", "n = 200", "label noise = 0.0", "label noise = 0.2"]
    assert "nats" in ax.get_xlabel() and "test minus train" in ax.get_ylabel()
    with pytest.raises(ValueError, match="factor 'n' has 9 values; expected at most 8"):
        plot_rate_against_gap(np.arange(9), np.arange(9), np.arange(9), np.zeros(9), **names)
    with pytest.raises(ValueError, match=r"marker has shape \(1,\), rate \(6,\)"):
        plot_rate_against_gap(rate, gap, rate, [0], **names)
