"""The KDE bounds against closed forms, sampling, scikit-learn, and the inputs that break naive code."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from sklearn.neighbors import KernelDensity

from corelib.information.kde import adaptive_noise_variance, kde_information, mixture_entropy_mc

pytestmark = pytest.mark.ch03
LN2 = math.log(2)


def layer(n=60, d=3, rows=1, seed=0):
    return torch.randn(rows, n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labels(n):
    return torch.arange(n) % 3


def binary_channel_bits(ratio):
    """I(X;T) of two equally likely points at distance delta = ratio sigma: BPSK over Gaussian noise."""

    def integrand(t):
        return np.exp(-((t - ratio / 2) ** 2) / 2) / math.sqrt(2 * math.pi) * np.log2(1 + np.exp(-ratio * t))

    return 1 - integrate.quad(integrand, -40, 40, epsabs=1e-12)[0]


@pytest.mark.parametrize(
    "ratio, lower, truth, upper",
    [(1, 0.087353, 0.160747, 0.316051), (2, 0.316051, 0.485944, 0.816882), (4, 0.816882, 0.912822, 0.999516)],
)
def test_two_clusters_have_their_closed_forms(ratio, lower, truth, upper):
    h = torch.tensor([0.0, ratio * 0.3], dtype=torch.float64).repeat(50).view(1, 100, 1)
    found = kde_information(h, labels(100), 0.09)
    assert found.ixt_lower.item() / LN2 == pytest.approx(lower, abs=1e-5)
    assert found.ixt_upper.item() / LN2 == pytest.approx(upper, abs=1e-5)
    assert binary_channel_bits(ratio) == pytest.approx(truth, abs=1e-6)
    entropy, stderr = mixture_entropy_mc(h, 0.09, 20_000, seed=0)
    sampled = entropy.item() - 0.5 * math.log(2 * math.pi * math.e * 0.09)
    assert sampled / LN2 == pytest.approx(truth, abs=4 * stderr.item() / LN2)


def test_gaussian_activity_has_its_population_values():
    h = torch.randn(1, 4096, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = kde_information(h, labels(4096), 0.01)
    assert found.ixt_upper.item() / LN2 == pytest.approx(4.043, abs=0.05)
    assert found.ixt_lower.item() / LN2 == pytest.approx(3.044, abs=0.05)


def test_the_upper_bound_is_the_resubstitution_entropy_of_scikit_learn():
    h = layer(200, 4)
    log_density = KernelDensity(bandwidth=0.5).fit(h[0].numpy()).score_samples(h[0].numpy())
    peer = 2 - log_density.mean() - 2 * math.log(2 * math.pi * math.e * 0.25)
    assert kde_information(h, labels(200), 0.25).ixt_upper.item() == pytest.approx(peer, abs=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_points_hold_nothing_and_far_points_everything(dtype):
    y = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
    equal = kde_information(torch.full((1, 8, 3), 5.0, dtype=dtype), y, 0.1)
    assert [v.item() for v in (equal.ixt_upper, equal.ixt_lower, equal.iyt_upper, equal.iyt_lower)] == pytest.approx(
        [0] * 4, abs=1e-6
    )
    far = kde_information(torch.arange(8, dtype=dtype).view(1, 8, 1) * 1e4, y, 0.1)
    p = np.array([3, 2, 3]) / 8
    assert far.ixt_upper.item() == far.ixt_lower.item() == pytest.approx(math.log(8))
    assert far.iyt_upper.item() == pytest.approx(-(p * np.log(p)).sum(), abs=1e-6)


@given(st.integers(0, 99), st.floats(0.01, 4))
def test_the_truth_lies_between_the_bounds(seed, variance):
    h = layer(25, 2, seed=seed)
    found = kde_information(h, labels(25), variance)
    entropy, stderr = mixture_entropy_mc(h, variance, 4000, seed=seed)
    truth = entropy.item() - math.log(2 * math.pi * math.e * variance)
    assert 0 <= found.ixt_lower <= found.ixt_upper <= math.log(25) + 1e-12
    assert found.ixt_lower.item() - 5 * stderr.item() <= truth <= found.ixt_upper.item() + 5 * stderr.item()
    assert found.iyt_upper.item() <= math.log(3) + 1e-12


@given(st.integers(0, 99))
def test_rotation_translation_order_and_joint_scaling_change_nothing(seed):
    h, y = layer(40, 3, seed=seed), labels(40)
    base = kde_information(h, y, 0.2)
    rotation = torch.linalg.qr(layer(3, 3, seed=seed)[0])[0]
    order = torch.randperm(40)
    for other in (
        kde_information(h @ rotation, y, 0.2),
        kde_information(h + 1e3, y, 0.2),
        kde_information(h[:, order], y[order], 0.2),
        kde_information(h * 7, y, 0.2 * 49),
    ):
        assert other.ixt_upper.item() == pytest.approx(base.ixt_upper.item(), abs=1e-9)
        assert other.iyt_lower.item() == pytest.approx(base.iyt_lower.item(), abs=1e-9)


@given(st.floats(1e-6, 1e6), st.integers(0, 9))
def test_noise_that_follows_the_layer_makes_the_estimate_scale_invariant(scale, seed):
    h, y = layer(30, 2, seed=seed), labels(30)
    found = [kde_information(z, y, adaptive_noise_variance(z)).ixt_upper.item() for z in (h, h * scale)]
    assert found[0] == pytest.approx(found[1], abs=1e-9)


@pytest.mark.parametrize("offset", [0.0, 100.0, 1000.0])
@pytest.mark.parametrize("d", [3, 20])
def test_an_offset_does_not_break_float32(offset, d):
    """The textbook expansion gives -353 bits for such a layer at offset 1000."""
    h = (0.05 * layer(1024, d)).float() + offset
    found = kde_information(h, labels(1024), 1e-3 * d / 3)
    exact = kde_information(h.double(), labels(1024), 1e-3 * d / 3)
    assert found.ixt_upper.item() / LN2 == pytest.approx(exact.ixt_upper.item() / LN2, abs=1e-3)
    assert found.iyt_lower.item() / LN2 == pytest.approx(exact.iyt_lower.item() / LN2, abs=1e-3)


def test_the_textbook_expansion_does_break():
    h = (0.05 * layer(1024, 3)).float()[0] + 1000.0
    squares = (h**2).sum(1)
    distance = squares[:, None] + squares[None] - 2 * h @ h.T
    bits = -((-distance / 2e-3).exp().mean(1).double().log() / LN2).mean()
    assert not 0 <= bits <= 10  # infinite or far below zero, where the answer is near 4 bits


def test_a_batch_equals_its_rows_and_noise_may_differ_by_row():
    h, y, s = layer(33, 2, rows=3), labels(33), torch.tensor([0.1, 1.0, 0.01])
    whole = kde_information(h, y, s)
    for r in range(3):
        assert kde_information(h[r : r + 1], y, s[r]).ixt_lower.item() == whole.ixt_lower[r].item()


def test_dead_and_single_sample_layers_hold_nothing():
    for h in (torch.zeros(1, 9, 2), torch.ones(1, 1, 4)):
        for scaling in ("std", "variance", "fixed"):
            found = kde_information(h, labels(h.shape[1]), adaptive_noise_variance(h, scaling=scaling))
            assert found.ixt_upper.item() == 0 and found.iyt_upper.item() == pytest.approx(0, abs=1e-12)


def test_the_three_scalings_are_what_they_say():
    h = torch.tensor([[[3.0], [-4.0]]])
    assert adaptive_noise_variance(h, 0.5, "std").item() == 8
    assert adaptive_noise_variance(h, 0.5, "variance").item() == 2
    assert adaptive_noise_variance(h, 0.5, "fixed").item() == 0.5


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda h, y: kde_information(h, y, 0.0), r"noise_variance is 0.0; expected finite numbers > 0"),
        (lambda h, y: kde_information(h, y, torch.ones(2)), r"noise_variance has shape \(2,\)"),
        (lambda h, y: kde_information(h, y[1:], 1.0), "labels has shape"),
        (lambda h, y: kde_information(h / 0, y, 1.0), "h holds 12 NaN or infinite values"),
        (lambda h, y: adaptive_noise_variance(h, -1.0), "noise_variance is -1.0"),
        (lambda h, y: adaptive_noise_variance(h, 1.0, "max"), "scaling is 'max'"),
        (lambda h, y: mixture_entropy_mc(h, 1.0, 1, seed=0), "n_samples is 1"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call(torch.ones(1, 4, 3), labels(4))
