"""Images of known information: their pixels by hand, and their parameters read back from the pixels."""

import numpy as np
import pytest
from scipy import special

from corelib.information.known.images import (
    anti_pca,
    blob_images,
    correlated_blob_images,
    image_source,
    known_images,
    rectangle_edges,
    rectangle_images,
)

pytestmark = pytest.mark.ch02


def parameters(n, width, seed=0):
    return np.random.default_rng(seed).random((n, width))


def ends(profile):
    """First and last edge of a covered interval, in pixels, from the cover of each pixel."""
    touched = np.flatnonzero(profile)
    first, last = touched[0], touched[-1]
    return first + 1 - profile[first], last + profile[last]


def test_blobs_have_their_formula_pixel_by_pixel():
    u = np.array([[0.25, 0.8]])
    image = blob_images(u, 5).reshape(5, 5)
    for i, p in enumerate((0, 0.25, 0.5, 0.75, 1)):
        for j, q in enumerate((0, 0.25, 0.5, 0.75, 1)):
            assert image[i, j] == pytest.approx(np.exp(-10 * ((p - 0.25) ** 2 + (q - 0.8) ** 2)), rel=1e-12)


def test_blobs_show_their_centres():
    u = parameters(50, 2)
    image = np.log(blob_images(u, 16)).reshape(50, 16, 16)
    # ln of two neighbouring pixels differs by 10 h (2 p + h - 2 u), h = 1/15, at p = 0.
    for axis, difference in enumerate((image[:, 1, 0] - image[:, 0, 0], image[:, 0, 1] - image[:, 0, 0])):
        assert np.allclose((10 / 225 + difference) / (20 / 15), u[:, axis], atol=1e-9)


def test_round_correlated_blobs_are_blobs_and_stretching_acts_on_its_axis():
    u = np.hstack([parameters(20, 2), np.tile([0.0, 0.0, 0.5], (20, 1))])
    assert np.allclose(correlated_blob_images(u, 16), blob_images(u[:, :2], 16), rtol=1e-12)
    u = np.array([[0.5, 0.5, 1.0, 0.0, 0.5], [0.5, 0.5, 0.0, 1.0, 0.5]])
    tall, wide = correlated_blob_images(u, 16).reshape(2, 16, 16)
    assert np.allclose(tall, wide.T)
    assert tall[:, 7].sum() < tall[7, :].sum()  # u3 narrows the blob along the rows' axis


def test_correlated_blobs_show_all_five_parameters():
    """-ln pixel / 10 is a quadratic form in (p, q): six coefficients by least squares, five parameters from them."""
    u = parameters(50, 5, seed=1)
    p, q = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 9), indexing="ij")
    design = np.stack([p**2, q**2, p * q, p, q, np.ones_like(p)], -1).reshape(81, 6)
    value = -np.log(correlated_blob_images(u, 9)) / 10
    pp, qq, pq, p1, q1, _ = np.linalg.lstsq(design, value.T, rcond=None)[0]
    a, b = np.sqrt(pp), np.sqrt(qq)
    determinant = 4 * pp * qq - pq**2
    centre = (pq * q1 - 2 * qq * p1) / determinant, (pq * p1 - 2 * pp * q1) / determinant
    found = np.stack([*centre, a - 1, b - 1, (pq / (a * b) + 1) / 2], 1)
    assert np.allclose(found, u, atol=1e-6)


@pytest.mark.parametrize("size, min_length", [(16, None), (32, None), (16, 0.4), (5, None)])
def test_rectangles_have_their_area_and_show_their_edges(size, min_length):
    u = parameters(200, 4)
    images = rectangle_images(u, size, min_length)
    edges = rectangle_edges(u, 2 / size if min_length is None else min_length)
    height, width = edges[:, 1] - edges[:, 0], edges[:, 3] - edges[:, 2]
    assert np.abs(images.sum(1) - height * width * size**2).max() < 1e-9
    assert min(height.min(), width.min()) >= (min_length or 2 / size) - 1e-12 and edges.min() >= 0 and edges.max() <= 1
    for image, expected in zip(images.reshape(-1, size, size), edges, strict=True):
        # Every side covers a whole pixel, so the brightest line of the picture is the profile of the other side.
        found = (*ends(image.max(1)), *ends(image.max(0)))
        assert np.allclose(found, size * expected, atol=1e-9)


def test_the_parameters_of_rectangles_follow_from_their_edges():
    u, a = parameters(200, 4), 1 / 8
    left, right = rectangle_edges(u, a)[:, 0::2], rectangle_edges(u, a)[:, 1::2]
    first = 1 - (1 - left / (1 - a)) ** 2
    second = (right - left - a) / (1 - left - a)
    assert np.allclose(np.stack([first, second], -1).reshape(-1, 4), u, atol=1e-9)


def test_a_shift_below_a_pixel_is_seen():
    """Rounded corners would draw both of these alike."""
    u = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5 + 1e-6, 0.5, 0.5]])
    first, second = rectangle_images(u, 16)
    assert 1e-7 < np.abs(first - second).max() < 1e-3


def test_rows_and_columns_are_not_exchanged():
    u = parameters(20, 4)
    turned = rectangle_images(u[:, [2, 3, 0, 1]], 8).reshape(-1, 8, 8)
    assert np.array_equal(turned, rectangle_images(u, 8).reshape(-1, 8, 8).transpose(0, 2, 1))
    low_and_wide = rectangle_images(np.array([[0.0, 0.0, 0.0, 1.0]]), 8).reshape(8, 8)
    assert np.array_equal(low_and_wide, np.outer([1, 1, 0, 0, 0, 0, 0, 0], np.ones(8)))


def test_the_widest_direction_of_anti_pca_is_the_useless_one():
    u = parameters(5000, 2)
    x = anti_pca(u)
    assert x.shape == (5000, 32) and np.allclose((x[:, :2] + 1) / 2, u, atol=1e-12)
    # By hand at z = (1/2, -1/2): a_2 = -1/2 is bent to -0.1, a_31 = -15 stays, since 3.1 a_31 is lower.
    by_hand = anti_pca(np.array([[0.75, 0.25]]))[0]
    assert by_hand[2] == pytest.approx(-0.1) and by_hand[31] == pytest.approx(-15.0)
    axis = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][0]
    code = (x - x.mean(0)) @ axis
    ranks = np.corrcoef(np.argsort(np.argsort(code)), np.argsort(np.argsort(u[:, 1])))[0, 1]
    assert abs(ranks) > 0.99 and abs(np.corrcoef(code, u[:, 0])[0, 1]) < 0.1


@pytest.mark.parametrize("kind, shared", [("blob", 2), ("correlated_blob", 5), ("rectangle", 4), ("anti_pca", 1)])
def test_pairs_of_images_carry_the_information_of_their_parameters(kind, shared):
    pair = known_images(10_000, 1.2, kind=kind, size=None if kind == "anti_pca" else 4, rng=np.random.default_rng(0))
    assert pair.mi == 1.2 and pair.x.shape == pair.y.shape and len(pair.x) == 10_000
    draw = {
        "blob": lambda u: blob_images(u, 4),
        "correlated_blob": lambda u: correlated_blob_images(u, 4),
        "rectangle": lambda u: rectangle_images(u, 4),
        "anti_pca": anti_pca,
    }[kind]
    assert np.array_equal(pair.x, draw(pair.u)) and np.array_equal(pair.y, draw(pair.v))
    correlation = np.corrcoef(special.ndtri(pair.u).T, special.ndtri(pair.v).T)[: pair.u.shape[1], pair.u.shape[1] :]
    expected = np.sqrt(1 - np.exp(-2 * 1.2 / shared)) * np.diag(np.arange(pair.u.shape[1]) < shared)
    assert np.abs(correlation - expected).max() < 0.05


def test_rotation_spreads_the_dependence_over_the_parameters():
    pair = known_images(5000, 2.0, size=4, rotate=True, rng=np.random.default_rng(0))
    u, v = (special.ndtri(side) for side in (pair.u, pair.v))
    assert np.abs(np.corrcoef(u.T, v.T)[:2, 2:]).min() > 0.05
    canonical = np.linalg.svd(np.linalg.qr(u - u.mean(0))[0].T @ np.linalg.qr(v - v.mean(0))[0], compute_uv=False)
    assert np.allclose(canonical, np.sqrt(1 - np.exp(-2.0)), atol=0.01)


@pytest.mark.parametrize("kind", ["blob", "correlated_blob", "rectangle", "anti_pca"])
def test_different_parameters_give_different_images(kind):
    images = image_source(kind)(200, np.random.default_rng(0))
    distance = np.linalg.norm(images[:, None] - images[None], axis=-1) + np.eye(200)
    assert distance.min() > 1e-4
    assert np.array_equal(images, image_source(kind)(200, np.random.default_rng(0)))


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: blob_images(parameters(3, 3)), r"u has shape \(3, 3\); expected \(N, 2\)"),
        (lambda: blob_images(parameters(3, 2) + 0.5), "u ranges from .* expected parameters in .0, 1."),
        (lambda: blob_images(np.full((1, 2), np.nan)), "u holds 2 NaN"),
        (lambda: blob_images(parameters(3, 2), 1), "size is 1; expected an integer >= 2"),
        (lambda: rectangle_images(parameters(3, 4), 2), "size is 2; expected an integer >= 3"),
        (lambda: rectangle_images(parameters(3, 4), 16, 0.1), "min_length is 0.1; expected a number from 2 / size"),
        (lambda: known_images(5, 1.0, kind="circle", rng=np.random.default_rng()), "kind is 'circle'"),
        (lambda: image_source("anti_pca", 16), "size is 16; expected None"),
        (lambda: known_images(5, -1.0, rng=np.random.default_rng()), "mi is -1.0"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
