"""Leave-one-out kernel densities against scikit-learn, sums by hand, and Gaussians of known information."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KernelDensity

from corelib.information.density import kde_entropy, kde_mi, loo_bandwidth
from corelib.information.samples import DegenerateSampleError

pytestmark = pytest.mark.ch02


def samples(n=120, d=2, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def pairs(n, d, information, seed=0):
    rng = np.random.default_rng(seed)
    rho = math.sqrt(1 - math.exp(-2 * information / d))
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def test_the_entropy_of_three_points_by_hand():
    """Pairs at distances 1, 2 and 3 with b = 1."""
    x = [0.0, 1.0, 3.0]
    p = [(norm.pdf(1) + norm.pdf(3)) / 2, (norm.pdf(1) + norm.pdf(2)) / 2, (norm.pdf(2) + norm.pdf(3)) / 2]
    assert kde_entropy(np.array(x), 1.0) == pytest.approx(-np.log(p).mean(), rel=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_the_entropy_is_scikit_learns_leave_one_out_score(d):
    x = samples(60, d)
    score = cross_val_score(KernelDensity(bandwidth=0.4), x, cv=LeaveOneOut()).mean()
    assert kde_entropy(x, 0.4) == pytest.approx(-score, abs=1e-10)


def test_blocks_do_not_show():
    x = samples(1100)  # more than two blocks
    distance = ((x[:, None] - x[None]) ** 2).sum(2)
    np.fill_diagonal(distance, np.inf)
    density = np.exp(-distance / (2 * 0.09)).sum(1) / 1099 / (2 * math.pi * 0.09)
    assert kde_entropy(x, 0.3) == pytest.approx(-np.log(density).mean(), abs=1e-11)


def test_the_likelihood_bandwidth_is_the_best_of_a_grid():
    for x in (samples(150, 1), samples(150, 4), np.concatenate([samples(80, 1), 0.01 * samples(80, 1) + 5])):
        grid = np.geomspace(0.005, 3, 80)
        best = min(kde_entropy(x, b) for b in grid)
        assert kde_entropy(x, loo_bandwidth(x)) <= best + 1e-3


def squared_error(x, b):
    """Integral of p^2 as a sum over a fine lattice, minus twice the mean density of each point under the others."""
    n = len(x)
    lattice, step = np.linspace(x.min() - 8 * b, x.max() + 8 * b, 4000, retstep=True)
    square = (norm.pdf(lattice[:, None], x[None], b).mean(1) ** 2).sum() * step
    others = norm.pdf(x[:, None], x[None], b)
    np.fill_diagonal(others, 0)
    return square - 2 * others.sum() / (n * (n - 1))


@pytest.mark.parametrize("seed", [0, 3])  # with 3 the error has two minima
def test_the_least_squares_bandwidth_is_the_best_of_a_grid(seed):
    x = samples(40, 1, seed)[:, 0]
    best = min(squared_error(x, b) for b in np.geomspace(0.1, 1.4, 30))
    assert squared_error(x, loo_bandwidth(x, "least_squares")) <= best + 1e-6


@settings(max_examples=25)
@given(st.integers(0, 50), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3), st.sampled_from(["likelihood", "least_squares"]))
def test_the_bandwidth_follows_the_unit_and_ignores_the_origin(seed, unit, offset, criterion):
    x = samples(40, 2, seed)
    expected = unit * loo_bandwidth(x, criterion)
    assert loo_bandwidth(unit * (x + offset), criterion) == pytest.approx(expected, rel=5e-3)


@given(st.integers(0, 50), st.floats(0.1, 2), st.floats(1e-3, 1e3))
def test_the_entropy_moves_with_the_unit_only(seed, b, unit):
    x = samples(40, 3, seed)
    rotation = np.linalg.qr(samples(3, 3, seed))[0]
    base = kde_entropy(x, b)
    assert kde_entropy(x @ rotation + 100.0, b) == pytest.approx(base, abs=1e-9)
    assert kde_entropy(unit * x, unit * b) == pytest.approx(base + 3 * math.log(unit), abs=1e-9)


def test_a_sample_far_from_all_others_does_not_underflow():
    x = np.array([0.0, 1.0, 1e4])
    assert kde_entropy(x, 1.0) == pytest.approx((1e4 - 1) ** 2 / 6, rel=1e-4)


def test_gaussians_have_about_their_information():
    """The biases are those of the method at this size; the recorded run found -0.15, 1.86 and 5.84."""
    for truth, low, high in ((0, -0.25, 0.0), (2, 1.7, 2.05), (6, 5.6, 6.05)):
        found = kde_mi(*pairs(600, 4, truth))
        assert low < found.value < high
    one = kde_mi(*pairs(1000, 1, 0.5))
    assert one.value == pytest.approx(0.5, abs=0.1)


def test_the_parts_add_up():
    x, y = pairs(300, 2, 1.0)
    found = kde_mi(x, y, 0.4, rescale="none")
    assert found.value == pytest.approx(
        kde_entropy(x, 0.4) + kde_entropy(y, 0.4) - kde_entropy(np.hstack([x, y]), 0.4), abs=1e-12
    )
    assert found.value == pytest.approx(found.local.mean()) and found.local.shape == (300,)
    assert found.stderr == pytest.approx(found.local.std(ddof=1) / math.sqrt(300))
    assert "bandwidth 0.4 (given), not rescaled" in found.settings


def test_whitening_removes_every_linear_map_and_unit_variance_every_scale():
    x, y = pairs(300, 2, 1.0)
    mixed = x @ np.array([[3.0, 1.0], [0.5, 20.0]]) + 7
    base = kde_mi(x, y)
    assert kde_mi(mixed, 1e-3 * y).value == pytest.approx(base.value, abs=1e-3)
    assert kde_mi(x, y, 0.4).value == pytest.approx(kde_mi(mixed, y, 0.4).value, abs=1e-9)
    scaled = kde_mi(x * [1e-4, 1e5], y - 50, 0.4, rescale="std")
    assert scaled.value == pytest.approx(kde_mi(x, y, 0.4, rescale="std").value, abs=1e-9)


def test_the_two_sides_are_alike_and_tensors_are_welcome():
    x, y = pairs(200, 2, 1.0)
    found = kde_mi(x, y, criterion="least_squares")
    assert kde_mi(y, x, criterion="least_squares").value == pytest.approx(found.value, abs=1e-6)
    assert kde_mi(torch.from_numpy(x), torch.from_numpy(y), criterion="least_squares").value == found.value
    assert "(least squares), whitened" in found.settings
    assert kde_mi(x[:, 0], y[:, 0]).n == 200


def test_a_few_ties_pass_and_nothing_but_ties_does_not():
    x = samples(50)
    x[1] = x[0]
    assert 0.05 < loo_bandwidth(x) < 2
    with pytest.raises(DegenerateSampleError, match="x has a duplicate of each of its 100 samples"):
        loo_bandwidth(np.repeat(x, 2, axis=0))
    with pytest.raises(DegenerateSampleError):
        loo_bandwidth(np.ones(10))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: loo_bandwidth(x, "eyeball"), "criterion is 'eyeball'; expected one of"),
        (lambda x: loo_bandwidth(x[:2]), "x has 2 samples; expected at least 3"),
        (lambda x: loo_bandwidth(x * np.nan), "x holds 240 NaN"),
        (lambda x: kde_entropy(x, 0.0), "bandwidth is 0.0; expected a finite number > 0"),
        (lambda x: kde_entropy(x, math.nan), "bandwidth is nan"),
        (lambda x: kde_mi(x, x, -1.0), "bandwidth is -1.0"),
        (lambda x: kde_mi(x, x[1:]), "x and y have 120 and 119 samples"),
        (lambda x: kde_mi(x, x, rescale="unit"), "rescale is 'unit'"),
        (lambda x: kde_mi(x, x, criterion="best"), "criterion is 'best'"),
        (lambda x: kde_mi(x, x), "covariance of rank < 4"),
        (lambda x: kde_mi(x, np.ones(120), rescale="std"), "constant column"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(samples())
