"""Figures show the numbers they are given."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from corelib.datasets.ocean import ocean_temperature
from corelib.koopman import slow_manifold
from corelib.koopman.plots import (
    animate,
    plot_eigenvalues,
    plot_film,
    plot_horizon,
    plot_left_out,
    plot_ocean,
    plot_residuals,
    plot_straightened,
)

pytestmark = pytest.mark.ch05
EIGENVALUES = torch.tensor([1.0 + 0j, 0.6 + 0.8j, 0.6 - 0.8j, 0.3 + 0j], dtype=torch.complex128)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def words(texts):
    return [text.get_text() for text in texts]


def test_a_film_shows_each_picture_on_one_scale_with_lengths_in_diameters():
    pictures = torch.arange(24.0).reshape(3, 2, 4) - 11
    fig, axes = plot_film(pictures, ["a", "b", "c"], columns=2, pixel=0.5, disc=(1.0, 0.5, 0.25), label="spin")
    assert [ax.get_title() for ax in axes.flat[:3]] == ["a", "b", "c"] and not axes[1, 1].get_visible()
    for ax, picture in zip(axes.flat, pictures, strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), picture)
        assert ax.images[0].get_clim() == (-12.0, 12.0) and ax.images[0].get_extent() == [0, 2.0, 1.0, 0]
        assert ax.patches[0].center == (1.0, 0.5) and ax.patches[0].radius == 0.25
    assert fig.axes[-1].get_ylabel() == "spin"


def test_an_animation_holds_each_picture_blue_below_zero_and_red_above_with_a_grey_disc():
    pictures = torch.ones(3, 4, 8)
    pictures[:, :, 4:] = -1
    pictures[1] *= -1
    film = Image.open(io.BytesIO(animate(pictures, limit=1, disc=(1.0, 0.5, 0.25), scale=5)))
    assert film.n_frames == 3 and film.size == (40, 20) and film.info["loop"] == 0
    for i, left_is_red in enumerate((True, False, True)):
        film.seek(i)
        frame = film.convert("RGB")
        for x, is_red in ((2, left_is_red), (37, not left_is_red)):
            red, _, blue = frame.getpixel((x, 2))
            assert (red > blue) == is_red
        assert frame.getpixel((20, 10)) == (0x76, 0x76, 0x76)


def test_what_is_left_out_is_one_minus_the_share_of_squares():
    _, ax = plot_left_out({"data": torch.tensor([3.0, 2.0, 1.0])}, level=0.1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [5 / 14, 1 / 14])
    assert words(ax.get_legend().get_texts()) == ["data: 2 directions for 90.0%"]
    assert ax.lines[1].get_xydata() == pytest.approx(np.array([[2, 1 / 14]]))


def test_paths_are_drawn_as_states_and_as_sizes_of_eigenfunctions():
    paths = slow_manifold(torch.tensor([[1.0, 2.0], [-1.0, 0.5]]), 3)
    values = torch.stack([paths[..., 0], paths[..., 1] - paths[..., 0] ** 2], -1)
    _, (left, right) = plot_straightened(paths, values, names=("first", "second"))
    manifold = left.lines[0].get_xydata()
    np.testing.assert_allclose(manifold[:, 1], manifold[:, 0] ** 2)
    np.testing.assert_allclose(left.lines[2].get_xydata(), paths[1])
    steps = np.diff(np.log(right.lines[1].get_xydata()), axis=0)
    np.testing.assert_allclose(steps, np.log([[0.9, 0.5]] * 3))
    assert (right.get_xlabel(), right.get_ylabel()) == ("first", "second")


def test_trusted_eigenvalues_are_dots_and_the_others_crosses_and_labels_stand_outside():
    trusted = torch.tensor([True, True, True, False])
    _, ax = plot_eigenvalues(EIGENVALUES, trusted=trusted, names=("good", "bad"), labels=["one", "two", "three", ""])
    circle, dots, crosses = ax.lines
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1.0)
    np.testing.assert_allclose(dots.get_xydata(), [[1, 0], [0.6, 0.8], [0.6, -0.8]])
    np.testing.assert_allclose(crosses.get_xydata(), [[0.3, 0]])
    assert words(ax.get_legend().get_texts()) == ["good", "bad"]
    assert words(ax.texts)[:3] == ["one", "two", "three"] and ax.texts[1].xyann[1] > 0 > ax.texts[2].xyann[1]
    _, ax = plot_eigenvalues(EIGENVALUES)
    assert len(ax.lines[1].get_xdata()) == 4 and ax.get_legend() is None


def test_residuals_are_sorted_by_the_threshold():
    residuals = torch.tensor([0.0, 1e-14, 1e-12, 0.1])
    _, ax = plot_residuals(EIGENVALUES, residuals, threshold=1e-9)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1e-17, 1e-14, 1e-12])
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[0.3, 0.1]])
    assert words(ax.get_legend().get_texts()) == ["exact: 3", "spurious: 1"]


def test_errors_begin_one_step_ahead():
    errors = {"ours": torch.tensor([1.0, 2.0]), "theirs": torch.tensor([3.0, 4.0])}
    _, ax = plot_horizon(errors, step=0.5, xlabel="time", ylabel="error", level=("mean", 1.0), log=True)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0.5, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [3.0, 4.0])
    assert ax.lines[2].get_ydata()[0] == 1.0 and ax.get_yscale() == "log"


def test_a_map_has_values_at_sea_and_nothing_on_land():
    ocean = ocean_temperature()
    values = torch.linspace(-1, 1, int(ocean.sea.sum()), dtype=torch.float64)
    fig, axes = plot_ocean(ocean, {"up": values, "down": -values}, limit=0.5, label="K")
    picture = axes[1, 0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(picture), ~ocean.sea.numpy())
    np.testing.assert_allclose(picture.compressed(), -values)
    west, east, south, north = axes[0, 0].images[0].get_extent()
    assert (east - west, north - south) == pytest.approx((360.0, 10.0), abs=1e-3)
    assert axes[0, 0].get_title() == "up" and fig.axes[-1].get_ylabel() == "K"
