"""Figures of codes: what is drawn is what was given."""

import matplotlib as mpl
import pytest
import torch

mpl.use("Agg")

from corelib.information.encoder import GaussianCodes
from corelib.information.encoder_plots import plot_codes, plot_sandwich, plot_split, two_codes

pytestmark = pytest.mark.ch01


@pytest.fixture(autouse=True)
def close_figures():
    yield
    mpl.pyplot.close("all")


def test_an_ellipse_for_each_input_and_a_legend_for_each_class():
    codes = GaussianCodes(torch.randn(7, 2), torch.full((7, 2), 0.2))
    _, ax = plot_codes(codes, torch.tensor([0, 0, 1, 2, 1, 0, 2]), title="codes")
    assert sum(len(c.get_offsets()) for c in ax.collections) == 7
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["class 0", "class 1", "class 2"]
    assert ax.get_title() == "codes"
    with pytest.raises(ValueError, match=r"expected \(N, 2\)"):
        plot_codes(GaussianCodes(torch.zeros(3, 1), torch.ones(3, 1)), torch.zeros(3, dtype=torch.int64))


def test_the_exact_curve_lies_between_its_bounds():
    _, ax = plot_sandwich([0.5, 1.0, 3.0], 1.0, highlight=1.0)
    curves = {line.get_label(): line.get_ydata() for line in ax.lines}
    exact = curves["exact, by quadrature"]
    assert (curves["bhatt_lower (lower bound)"] < exact).all()
    assert (exact < curves["kl_upper (upper bound)"]).all()


def test_two_codes_lie_a_distance_apart():
    codes = two_codes(3.0, 0.5)
    assert (codes.mean[1] - codes.mean[0]).item() == 3
    assert codes.std.unique().item() == 0.5


def test_a_split_is_stacked_to_the_sum():
    _, ax = plot_split({"a": (1.0, 2.0), "b": (0.5, 0.25)}, 1.6)
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches[2:]]
    assert tops == pytest.approx([3.0, 0.75])
