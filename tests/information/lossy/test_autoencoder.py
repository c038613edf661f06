"""The autoencoder keeps what pictures show, repeats itself, and leaves the global state alone."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures

from corelib.information.known.images import blob_images, image_source, known_images
from corelib.information.lossy.autoencoder import Autoencoder
from corelib.information.lossy.compressed import CompressedMI
from corelib.information.lossy.compressors import PCACompressor
from corelib.information.neighbors.ksg import ksg_mi

pytestmark = pytest.mark.ch02


@pytest.fixture(scope="module")
def blobs():
    return Autoencoder(2, hidden=64, steps=300, batch_size=128, lr=1e-2).fit(image_source("blob", 8))


def test_codes_hold_the_parameters_of_unseen_images(blobs):
    u = np.random.default_rng(5).random((2000, 2))
    codes = blobs.transform(blob_images(u, 8))
    assert codes.shape == (2000, 2) and codes.dtype == np.float64 and np.abs(codes).max() <= 1
    features = PolynomialFeatures(5).fit_transform(codes)
    fit = LinearRegression().fit(features[:1000], u[:1000])
    assert fit.score(features[1000:], u[1000:]) > 0.98


def test_reconstructions_are_close_and_the_loss_is_in_their_units(blobs):
    images = image_source("blob", 8)(500, np.random.default_rng(6))
    error = np.abs(blobs.inverse_transform(blobs.transform(images)) - images).mean()
    mean_picture = np.abs(images - images.mean(0)).mean()
    assert error < 0.25 * mean_picture
    assert len(blobs.loss_history_) == 300
    assert error == pytest.approx(blobs.loss_history_[-20:].mean(), rel=0.3)


def test_codes_keep_information_that_principal_components_lose(blobs):
    """Blobs with 4 nats between them: the codes have nearly all of it, two components of the pixels do not."""
    pair = known_images(3000, 4.0, size=8, rotate=True, rng=np.random.default_rng(0))
    pca = PCACompressor(2).fit(image_source("blob", 8)(2000, np.random.default_rng(1)))
    by_codes, by_pca = (CompressedMI(c, c, ksg_mi).estimate(pair.x, pair.y).value for c in (blobs, pca))
    assert 3.2 < by_codes < 4.05  # KSG itself is low by a few tenths here
    assert by_codes > by_pca + 0.2


def test_images_that_differ_by_little_keep_their_order_in_the_code(blobs):
    """In float32 steps of 1e-9 would vanish; in float64 the code moves by one in a hundred million of them."""
    u = 0.5 + np.array([[0.0, 0.0], [1e-9, 0.0], [2e-9, 0.0]])
    steps = np.diff(blobs.transform(blob_images(u, 8)), axis=0)
    assert np.abs(steps).max() > 1e-10
    assert np.allclose(steps[0], steps[1], rtol=1e-3, atol=1e-14)


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_seed_fixes_everything_and_nothing_global_moves(kind):
    options = {"steps": 4, "batch_size": 8, "input_noise": 0.1, "kind": kind}
    images = image_source("blob", 8)(50, np.random.default_rng(0))
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = Autoencoder(2, seed=3, **options).fit(images)
    assert torch.equal(torch.get_rng_state(), before[0]) and np.array_equal(np.random.get_state()[1], before[1])
    torch.manual_seed(99)
    second, other = (Autoencoder(2, seed=seed, **options).fit(images) for seed in (3, 4))
    assert np.array_equal(first.loss_history_, second.loss_history_)
    assert np.array_equal(first.transform(images), second.transform(images))
    assert not np.allclose(first.transform(images), other.transform(images))


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32])
def test_convolutions_fit_every_side(size):
    ae = Autoencoder(2, steps=3, batch_size=4, kind="conv").fit(image_source("blob", size))
    images = image_source("blob", size)(5, np.random.default_rng(0))
    codes = ae.transform(images)
    assert codes.shape == (5, 2) and ae.inverse_transform(codes).shape == images.shape
    assert np.allclose(ae.transform(images[:1]), codes[:1], atol=1e-12)  # the other images of a batch do not matter


def test_convolutions_learn():
    ae = Autoencoder(2, steps=60, batch_size=32, lr=2e-2, kind="conv").fit(image_source("blob", 8))
    assert ae.loss_history_[-10:].mean() < 0.5 * ae.loss_history_[0]


def test_noise_on_the_code_spreads_it_over_its_range():
    """Without noise nothing stops codes from crowding; with much of it they use the range that tanh leaves."""
    images = image_source("blob", 8)(500, np.random.default_rng(0))
    options = {"hidden": 32, "steps": 80, "batch_size": 64, "lr": 1e-2}
    quiet, noisy = (Autoencoder(2, code_noise=s, **options).fit(images).transform(images) for s in (0.0, 0.5))
    assert noisy.std() > quiet.std()


def test_progress_is_shown_on_request_only(capsys):
    images = np.random.default_rng(0).random((20, 3))
    Autoencoder(1, steps=2, batch_size=4).fit(images)
    assert capsys.readouterr().err == ""
    Autoencoder(1, steps=2, batch_size=4).fit(images, progress=True)
    assert "autoencoder" in capsys.readouterr().err


def test_it_says_what_it_is():
    assert str(Autoencoder(4)) == "autoencoder to 4"
    assert str(Autoencoder(2, kind="conv")) == "convolutional autoencoder to 2"


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda x: Autoencoder(0), "n_codes is 0; expected an integer >= 1"),
        (lambda x: Autoencoder(2, hidden=0), "hidden is 0"),
        (lambda x: Autoencoder(2, steps=0), "steps is 0"),
        (lambda x: Autoencoder(2, batch_size=1), "batch_size is 1; expected an integer >= 2"),
        (lambda x: Autoencoder(2, lr=0.0), "lr is 0.0"),
        (lambda x: Autoencoder(2, code_noise=-0.1), "code_noise is -0.1; expected a finite number >= 0"),
        (lambda x: Autoencoder(2, input_noise=np.nan), "input_noise is nan"),
        (lambda x: Autoencoder(2, kind="vae"), "kind is 'vae'"),
        (lambda x: Autoencoder(2, kind="conv").fit(x), "source has 3 columns; expected squares of a side of 2, 4, 8"),
        (lambda x: Autoencoder(2, kind="conv").fit(np.ones((9, 9))), "source has 9 columns"),
        (lambda x: Autoencoder(2).fit(x * np.nan), "source holds 30 NaN"),
        (lambda x: Autoencoder(2).fit(lambda n, rng: np.full((n, 3), np.inf)), "source holds 768 NaN"),
        (lambda x: Autoencoder(2, steps=5, lr=1e30).fit(x), "lr is 1e\\+30, and the loss diverged"),
        (lambda x: Autoencoder(2).transform(x), "not fitted; call fit"),
        (lambda x: Autoencoder(2).inverse_transform(x), "not fitted; call fit"),
        (lambda x: Autoencoder(2, steps=1).fit(x).transform(x[:, :2]), r"x has shape \(10, 2\); expected \(N, 3\)"),
        (
            lambda x: Autoencoder(2, steps=1).fit(x).inverse_transform(x),
            r"codes has shape \(10, 3\); expected \(N, 2\)",
        ),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call(np.random.default_rng(0).random((10, 3)))
