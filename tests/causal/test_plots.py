"""Figures show the numbers they are given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from corelib.causal import make_graph
from corelib.causal.plots import (
    plot_degrees,
    plot_errors,
    plot_grid,
    plot_network,
    plot_pairs,
    plot_residual_slopes,
)

pytestmark = pytest.mark.ch04
TABLE = {"blind": [5.0, 6.0, 7.0], "graph": [1.0, 2.0, 1.5]}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_network_has_one_dot_a_node_and_one_line_an_edge():
    edges = make_graph("ws", 12, mean_degree=4, seed=0)
    values = torch.arange(12).double()
    _, ax = plot_network(edges, values, label="units", highlight=3, title="finding")
    lines, dots, ring = ax.collections
    assert len(lines.get_segments()) == edges.shape[1] // 2
    np.testing.assert_array_equal(dots.get_array(), values)
    np.testing.assert_array_equal(ring.get_offsets(), dots.get_offsets()[3:4])
    assert dots.get_clim() == (-11.0, 11.0) and ax.get_title() == "finding"


def test_edge_values_are_those_of_the_edges_drawn():
    edges = torch.tensor([[0, 0, 1, 2], [1, 2, 0, 0]])
    at = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    _, ax = plot_network(edges, torch.zeros(3), positions=at, edge_values=torch.tensor([-2.0, 1.0, -2.0, 1.0]))
    lines = ax.collections[0]
    np.testing.assert_array_equal(lines.get_array(), [-2.0, 1.0])
    np.testing.assert_array_equal(lines.get_segments()[0], at[[0, 1]])


def test_errors_are_dots_and_bars_at_their_means_and_levels_are_lines():
    _, ax = plot_errors(TABLE, lines={"floor": 4.8})
    assert [bar.get_width() for bar in ax.patches] == [6.0, 1.5]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), TABLE["blind"])
    assert ax.lines[-1].get_xdata()[0] == 4.8
    assert [text.get_text() for text in ax.get_yticklabels()] == list(TABLE)
    _, ax = plot_errors(TABLE, log=True)
    assert ax.get_xscale() == "log" and "log" in ax.get_xlabel()


def test_pairs_are_joined_by_seed():
    _, ax = plot_pairs(TABLE, ["graph", "blind"], notes=["", "p 0.01"])
    assert [tuple(line.get_ydata()) for line in ax.lines[:3]] == [(1.0, 5.0), (2.0, 6.0), (1.5, 7.0)]
    assert "p 0.01" in [text.get_text() for text in ax.texts]


def test_slopes_are_those_of_least_squares_through_the_origin():
    t = torch.tensor([-1.0, 1.0, 2.0])
    _, ax = plot_residual_slopes(3 * t, t, {"all": torch.ones(3, dtype=torch.bool)}, xlabel="t", ylabel="y")
    assert "slope 3.00" in ax.get_legend().get_texts()[0].get_text()


def test_a_grid_is_white_where_the_ratio_is_one_and_writes_every_ratio():
    fig, ax = plot_grid(np.array([[0.1, 1.0], [10.0, 100.0]]), (1, 2), (3, 4), xlabel="x", ylabel="y", label="ratio")
    assert ax.images[0].get_clim() == (-2.0, 2.0)
    assert [text.get_text() for text in ax.texts] == ["0.1", "1", "10", "100"]
    assert fig.axes[1].get_ylabel() == "ratio"


def test_degrees_are_counted():
    _, axes = plot_degrees({"one": torch.tensor([1, 1, 3])})
    assert [bar.get_height() for bar in axes.patches] == [0, 2, 0, 1]
