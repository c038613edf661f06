"""The Gaussian channel: closed forms, two points by numerical integration, and the bounds from pairwise distances."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from corelib.information.channel import gaussian_channel_bound, sample_propagation_mi
from corelib.information.kde import kde_information

pytestmark = pytest.mark.ch02


def layer(n=200, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def two_points(ratio):
    """I(X;T) of two equally likely points at distance ``ratio`` sigma, nats."""

    def integrand(t):
        return np.exp(-((t - ratio / 2) ** 2) / 2) / math.sqrt(2 * math.pi) * np.log1p(np.exp(-ratio * t))

    return math.log(2) - integrate.quad(integrand, -40, 40, epsabs=1e-12)[0]


def test_the_bound_is_the_capacity_of_parallel_channels():
    assert gaussian_channel_bound([3.0], 1.0) == pytest.approx(math.log(2), rel=1e-12)
    assert gaussian_channel_bound([4, 2, 1, 0.5], 0.1) == pytest.approx(0.5 * math.log(401 * 201 * 101 * 51), rel=1e-12)
    assert gaussian_channel_bound([0.0, 0.0], 1.0) == 0
    assert gaussian_channel_bound(torch.tensor([3.0, 0.0]), 1.0) == pytest.approx(math.log(2))


def test_the_bound_survives_extreme_ratios():
    assert gaussian_channel_bound([1e300], 1e-150) == pytest.approx(300 * math.log(10), rel=1e-12)
    assert gaussian_channel_bound([1e-20], 1.0) == pytest.approx(0.5e-20, rel=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 1, 2, 4])
def test_two_points_have_their_integral(ratio):
    signals = np.array([0.0, 0.3 * ratio] * 10)  # each of two values ten times: T tells at most which value
    found = sample_propagation_mi(signals, 0.3, n_noise=2000, rng=0)
    # The standard deviation of a draw's contribution is below 0.6 here; there are 20 * 2000 draws.
    assert found.value == pytest.approx(two_points(ratio), abs=4 * 0.6 / math.sqrt(40_000))


def test_repeated_runs_scatter_as_the_standard_error_says():
    """A Gaussian layer: fresh samples and fresh noise each time."""
    found = [sample_propagation_mi(layer(200, 2, seed), 1.0, rng=1000 + seed) for seed in range(100)]
    spread = np.std([f.value for f in found], ddof=1)
    assert np.mean([f.stderr for f in found]) == pytest.approx(spread, rel=0.25)


def test_a_gaussian_layer_reaches_the_bound():
    signals = 2 * layer(1500, 1)
    found = sample_propagation_mi(signals, 0.5, rng=1)
    assert found.value == pytest.approx(gaussian_channel_bound(signals.var(0), 0.5), abs=3 * found.stderr)


@settings(max_examples=30)
@given(st.integers(0, 99), st.floats(0.05, 3))
def test_the_value_lies_between_the_bounds_from_pairwise_distances(seed, sigma):
    signals = layer(40, 2, seed)
    found = sample_propagation_mi(signals, sigma, n_noise=30, rng=1000 + seed)
    bounds = kde_information(torch.from_numpy(signals)[None], torch.zeros(40, dtype=torch.int64), sigma**2)
    slack = 5 * found.local.std() / math.sqrt(40 * 30) + 0.02  # noise alone: the forty samples are given
    assert bounds.ixt_lower.item() - slack <= found.value <= bounds.ixt_upper.item() + slack
    axes = np.linalg.eigvalsh(np.cov(signals.T, bias=True))
    assert found.value <= gaussian_channel_bound(axes, sigma) + slack
    assert found.local.max() <= math.log(40) + 1e-9


def test_it_is_the_formula_with_the_noise_term_paired():
    signals, sigma = layer(30, 2), 0.7
    z = np.random.default_rng(5).standard_normal((30, 2))
    t = signals + sigma * z
    density = np.exp(-((t[:, None] - signals[None]) ** 2).sum(2) / (2 * sigma**2)) / (2 * math.pi * sigma**2)
    unpaired = -np.log(density.mean(1)).mean() - math.log(2 * math.pi * math.e * sigma**2)
    found = sample_propagation_mi(signals, sigma, rng=5)
    assert found.value == pytest.approx(unpaired + 1 - (z**2).sum(1).mean() / 2, abs=1e-12)
    assert found.value == pytest.approx(found.local.mean()) and found.local.shape == (30,)
    assert "sigma = 0.7" in found.settings and found.n == 30


def test_little_noise_shows_every_sample_and_much_noise_none():
    signals = layer(100)
    assert sample_propagation_mi(signals, 1e-6, rng=0).value == pytest.approx(math.log(100), abs=1e-12)
    assert sample_propagation_mi(signals, 1e4, rng=0).value == pytest.approx(0, abs=1e-3)
    assert sample_propagation_mi(np.ones((50, 3)), 0.1, rng=0).value == pytest.approx(0, abs=1e-12)
    assert sample_propagation_mi(np.repeat(signals, 3, axis=0), 1e-6, rng=0).value == pytest.approx(math.log(100))


@pytest.mark.parametrize("block", [1, 7, 1000])
@pytest.mark.parametrize("n_noise", [1, 3])
def test_blocks_change_nothing(block, n_noise):
    signals = layer(50)
    whole = sample_propagation_mi(signals, 0.5, n_noise=n_noise, rng=0)
    parts = sample_propagation_mi(signals, 0.5, n_noise=n_noise, block=block, rng=np.random.default_rng(0))
    assert np.allclose(parts.local, whole.local, rtol=0, atol=1e-12)


def test_an_offset_or_a_common_unit_changes_nothing():
    signals = layer(100)
    base = sample_propagation_mi(signals, 0.5, rng=0).value
    assert sample_propagation_mi(signals + 1e6, 0.5, rng=0).value == pytest.approx(base, abs=1e-7)
    assert sample_propagation_mi(signals * 1e8, 0.5e8, rng=0).value == pytest.approx(base, abs=1e-9)
    assert sample_propagation_mi(torch.from_numpy(signals).float(), 0.5, rng=0).value == pytest.approx(base, abs=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gaussian_channel_bound([-1.0], 1.0), r"variances is \[-1.0\]; expected a list of finite numbers >= 0"),
        (lambda: gaussian_channel_bound([math.nan], 1.0), "variances is"),
        (lambda: gaussian_channel_bound([[1.0]], 1.0), "variances is"),
        (lambda: gaussian_channel_bound([1.0], 0.0), "sigma is 0.0; expected a finite number > 0"),
        (lambda: sample_propagation_mi(layer(), -1.0, rng=0), "sigma is -1.0"),
        (lambda: sample_propagation_mi(layer(), math.nan, rng=0), "sigma is nan"),
        (lambda: sample_propagation_mi(layer(), 1e-200, rng=0), "sigma is 1e-200"),
        (lambda: sample_propagation_mi(layer(), 1.0, n_noise=0, rng=0), "n_noise is 0; expected an integer >= 1"),
        (lambda: sample_propagation_mi(layer(), 1.0, block=0.5, rng=0), "block is 0.5"),
        (lambda: sample_propagation_mi(layer() * math.nan, 1.0, rng=0), "signals holds 600 NaN"),
        (lambda: sample_propagation_mi(layer(1), 1.0, rng=0), "signals has 1 samples"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
