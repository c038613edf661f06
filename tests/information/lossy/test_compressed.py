"""Estimates between codes: the plumbing with an exact ruler, its words, and the planes of the recorder."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from corelib.information.estimate import MIEstimate
from corelib.information.known.families import correlated_normal
from corelib.information.lossy.compressed import CompressedMI, CompressedPlane, in_words
from corelib.information.lossy.compressors import PCACompressor
from corelib.information.plane import PlaneRecorder

pytestmark = pytest.mark.ch02


def canonical_mi(x, y, ridge=0.0, *, control=None, units="nats", backend="auto", seed=0):
    """Information of jointly Gaussian samples from their canonical correlations: exact but for the covariance."""
    x, y = (np.asarray(z, dtype=float).reshape(len(z), -1) for z in (x, y))
    q_x, q_y = (np.linalg.qr(z - z.mean(0))[0] for z in (x, y))
    rho = np.linalg.svd(q_x.T @ q_y, compute_uv=False)
    permuted = 0.25 if control == "permute" else None
    found = MIEstimate(-0.5 * float(np.log(1 + ridge - rho**2).sum()), 0.01, len(x), "canonical", permuted=permuted)
    return found.to(units)


def class_spread(x, labels, k=3):
    """A stand-in for an estimator of a discrete target: the number of columns plus the number of classes over 100."""
    return MIEstimate(x.shape[1] + len(np.unique(labels)) / 100, math.nan, len(x), f"spread, k = {k}")


class Halves:
    """An estimator that is an object."""

    def __call__(self, x, y):
        return MIEstimate(0.5, 0.1, len(x), "halves")

    def __str__(self):
        return "always one half"


def test_without_compressors_the_estimator_is_left_alone():
    pair = correlated_normal(500, 1.0, 2, 2, rng=np.random.default_rng(0))
    found, bare = CompressedMI(None, None, canonical_mi)(pair.x, pair.y), canonical_mi(pair.x, pair.y)
    assert (found.value, found.stderr, found.n) == (bare.value, bare.stderr, bare.n)
    assert found.settings == "canonical; X: as it is, Y: as it is"


def test_what_pca_drops_is_not_found_again():
    """X ~ N(0, diag(10, 1e-4)), Y = 100 X_2 + 0.1 Z: 2.3 nats, of which the leading axis holds none."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 2)) * np.sqrt([10, 1e-4])
    y = 100 * x[:, 1:] + 0.1 * rng.standard_normal((5000, 1))
    one, two = (CompressedMI(PCACompressor(m).fit(x), None, canonical_mi).estimate(x, y) for m in (1, 2))
    assert PCACompressor(1).fit(x).explained_variance_ratio_[0] > 0.99998
    assert one.value == pytest.approx(0, abs=0.002)
    assert two.value == pytest.approx(0.5 * math.log(101), abs=0.03)
    assert two.settings == "canonical; X: PCA to 2, Y: as it is"


def test_both_sides_are_compressed_each_by_its_own():
    pair = correlated_normal(2000, 2.0, 3, 3, rng=np.random.default_rng(0))
    wide_x, wide_y = pair.x * [5, 1, 1], pair.y * [1, 1, 5]  # PCA keeps the first of X, and the last of Y
    ruler = CompressedMI(PCACompressor(1).fit(wide_x), PCACompressor(1).fit(wide_y), canonical_mi)
    assert ruler(wide_x, wide_y).value < 0.02
    same = CompressedMI(PCACompressor(1).fit(wide_x), PCACompressor(1).fit(wide_x), canonical_mi)
    assert same(wide_x, wide_x).value > 15


def test_an_unfitted_compressor_says_so():
    with pytest.raises(ValueError, match="not fitted"):
        CompressedMI(PCACompressor(1), None, canonical_mi)(np.ones((5, 2)), np.ones(5))


@pytest.mark.parametrize(
    "estimator, words",
    [
        (canonical_mi, "canonical_mi(ridge=0.0, control=None, units='nats')"),
        (partial(canonical_mi, ridge=0.5), "canonical_mi(ridge=0.5, control=None, units='nats')"),
        (Halves(), "always one half"),
        (CompressedMI(None, PCACompressor(2), Halves()), "always one half; X: as it is, Y: PCA to 2"),
    ],
)
def test_an_estimator_is_named_with_all_its_settings(estimator, words):
    assert in_words("estimator", estimator) == words


def layers():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((400, 2))
    wide = np.hstack([codes @ rng.standard_normal((2, 6)), np.zeros((400, 1))])  # rank 2 in seven dimensions
    noisy = wide + 0.3 * rng.standard_normal((400, 7))
    return codes, torch.tensor(np.stack([noisy, wide + 0.01, np.full((400, 7), 0.3)])), torch.arange(400) % 5


def test_each_layer_is_compressed_anew_and_measured_twice():
    codes, h, y = layers()
    ruler = partial(canonical_mi, ridge=1e-9, control="permute")
    plane = CompressedPlane(codes, ruler, class_spread, n_components=3)
    found = plane.estimate(h, y)
    by_hand = ruler(codes, PCACompressor(3).fit(h[0]).transform(h[0]))
    assert found.ixt[0].item() == by_hand.value and found.ixt_stderr[0] == 0.01
    assert found.ixt.dtype == torch.float64 and found.ixt_permuted.tolist() == [0.25, 0.25, 0.0]
    # Three columns and five classes; a layer of rank 2 is compressed to two; one that does not vary holds nothing.
    assert found.iyt.tolist() == [3.05, 2.05, 0.0]
    assert found.iyt_stderr.isnan().tolist() == [True, True, False]
    assert found.settings == str(plane)


def test_without_a_control_there_is_none_and_bits_become_nats():
    codes, h, y = layers()
    plain, bits = (CompressedPlane(codes, partial(canonical_mi, units=u), class_spread) for u in ("nats", "bits"))
    assert plain.estimate(h[:1], y).ixt_permuted is None
    assert bits.estimate(h[:1], y).ixt.item() == pytest.approx(plain.estimate(h[:1], y).ixt.item(), rel=1e-12)


def test_the_recorder_of_chapter_three_draws_its_planes():
    codes, h, y = layers()
    samples = torch.arange(0, 400, 2)
    ruler = CompressedPlane(codes[::2], canonical_mi, class_spread, 2)
    recorder = PlaneRecorder(y, {"PCA": ruler}, layers=["first", "last"], samples=samples)
    for epoch in (0, 5):
        recorder(epoch, [h[:1] + epoch, h[:1, :, :3]])
    plane = recorder.plane("PCA")
    assert plane.ixt.shape == (2, 1, 2) and plane.n_samples == 200
    expected = ruler.estimate(h[:1, samples], y[samples])
    assert plane.ixt[0, 0, 0] == expected.ixt[0] and np.allclose(plane.ixt[0], plane.ixt[1], atol=1e-9)
    assert plane.estimator == (
        "layers by PCA to 2 at every snapshot; I(X;T): canonical_mi(ridge=0.0, control=None, units='nats'); "
        "I(Y;T): class_spread(k=3)"
    )


@pytest.mark.parametrize(
    "call, error, word",
    [
        (
            lambda c, h, y: CompressedMI(None, None, lambda x, y: None),
            ValueError,
            "estimator is a lambda",
        ),
        (lambda c, h, y: CompressedMI(None, None, "kl_mi"), TypeError, "estimator is 'kl_mi'; expected a callable"),
        (lambda c, h, y: CompressedPlane(c, Halves(), lambda x, y: None), ValueError, "label_estimator is a lambda"),
        (lambda c, h, y: CompressedPlane(c, Halves(), Halves(), 0), ValueError, "n_components is 0"),
        (lambda c, h, y: CompressedPlane(c * np.nan, Halves(), Halves()), ValueError, "codes holds 800 NaN"),
        (
            lambda c, h, y: CompressedPlane(c[1:], Halves(), Halves()).estimate(h, y),
            ValueError,
            r"h has shape \(3, 400, 7\); expected \(R, N, D\) with N = 399",
        ),
        (lambda c, h, y: CompressedPlane(c, Halves(), Halves()).estimate(h / 0, y), ValueError, "h holds"),
    ],
)
def test_bad_input_is_named(call, error, word):
    with pytest.raises(error, match=word):
        call(*layers())
