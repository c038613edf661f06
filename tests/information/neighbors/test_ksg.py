"""KSG: exact small cases, the counts behind them, invariances, its ceiling, its bias, and ties."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.ksg import ksg_mi
from corelib.information.neighbors.search import joint_neighbors
from corelib.information.samples import DegenerateSampleError, EstimatorWarning, dither

pytestmark = pytest.mark.ch02


def normals(n, d, information, seed=0):
    """d independent pairs of normals that share ``information`` nats in all."""
    rng = np.random.default_rng(seed)
    rho = math.sqrt(1 - math.exp(-2 * information / d))
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def gaps(x):
    found = np.abs(x[:, None] - x).max(axis=2)
    np.fill_diagonal(found, np.inf)
    return found


def brute(x, y, k, variant):
    """Local values from tables of all distances; ties among the neighbours go by their numbers."""
    n, (gap_x, gap_y) = len(x), (gaps(x), gaps(y))
    joint = np.maximum(gap_x, gap_y)
    nearest = np.argsort(joint, axis=1, kind="stable")[:, :k]
    own = np.arange(n)[:, None]
    if variant == 1:
        eps = joint[own, nearest[:, -1:]]
        n_x, n_y = (gap_x < eps).sum(axis=1), (gap_y < eps).sum(axis=1)
        return digamma(k) + digamma(n) - digamma(n_x + 1) - digamma(n_y + 1)
    n_x, n_y = ((gap <= gap[own, nearest].max(axis=1)[:, None]).sum(axis=1) for gap in (gap_x, gap_y))
    return digamma(k) - 1 / k + digamma(n) - digamma(n_x) - digamma(n_y)


def values(x, y, variant, ks, **settings):
    return [ksg_mi(x, y, k, variant=variant, **settings).value for k in ks]


@pytest.mark.parametrize("backend", ["numba", "tree", "torch"])
def test_five_points_by_hand(backend):
    x, y = np.array([0, 1, 3, 7, 12]), np.array([0, 2, 1, 9, 5])
    settings = {"standardize": False, "backend": backend}
    assert values(x, y, 1, (1, 2), **settings) == pytest.approx([13 / 60, 1 / 2], abs=1e-9)
    assert values(x, y, 2, (1, 2), **settings) == pytest.approx([-1 / 60, 23 / 60], abs=1e-9)


def test_two_hundred_samples_to_ten_digits():
    rng = np.random.default_rng(123)
    x = rng.standard_normal((200, 1))
    y = 0.6 * x + 0.8 * rng.standard_normal((200, 1))
    first, second = (values(x, y, variant, (1, 3, 5), standardize=False) for variant in (1, 2))
    assert first == pytest.approx([-0.0051912363, 0.1597776594, 0.1479870270], abs=1e-9)
    assert second == pytest.approx([-0.0526616183, 0.1547687891, 0.1542209099], abs=1e-9)


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize("dims", [(1, 1), (2, 1), (3, 4), (6, 6)], ids=str)
def test_local_values_are_those_of_brute_force(variant, dims):
    rng = np.random.default_rng(4)
    x, y = (rng.standard_normal((150, d)) for d in dims)
    y[:, 0] += x[:, 0]
    found = ksg_mi(x, y, 4, variant=variant, standardize=False)
    wanted = brute(x, y, 4, variant)
    assert found.local == pytest.approx(wanted, abs=1e-12)
    assert found.value == pytest.approx(wanted.mean(), abs=1e-12)
    assert found.stderr == pytest.approx(wanted.std(ddof=1) / math.sqrt(150), rel=1e-9)


@given(st.integers(0, 9999), st.integers(2, 30), st.integers(1, 2), st.integers(1, 2), st.sampled_from([1, 2]))
def test_ties_are_counted_as_the_definition_says(seed, n, d_x, d_y, variant):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 4, (n, d)) / 1.0 for d in (d_x, d_y))
    k = int(rng.integers(1, n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimatorWarning)
        if (np.sort(np.maximum(gaps(x), gaps(y)), axis=1)[:, k - 1] == 0).any():
            with pytest.raises(DegenerateSampleError):
                ksg_mi(x, y, k, variant=variant, standardize=False)
        else:
            found = ksg_mi(x, y, k, variant=variant, standardize=False)
            assert found.local == pytest.approx(brute(x, y, k, variant), abs=1e-12)


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize("n, k", [(2, 1), (3, 2), (12, 11)])
def test_as_many_neighbours_as_there_are_samples(variant, n, k):
    x, y = normals(n, 1, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimatorWarning)  # the ceiling is low
        found = ksg_mi(x, y, k, variant=variant, standardize=False)
    assert found.local == pytest.approx(brute(x, y, k, variant), abs=1e-12)


@pytest.mark.parametrize("k, wanted", [(1, 7.4844708606), (3, 5.9844708606)])
def test_a_copy_reaches_the_ceiling_and_says_so(k, wanted):
    x = np.random.default_rng(0).standard_normal(1000)
    with pytest.warns(EstimatorWarning, match=f"within 5 % of {wanted:.3f}"):
        found = ksg_mi(x, x, k).value
    assert found == pytest.approx(wanted, abs=1e-9)
    assert found == pytest.approx(digamma(1000) - digamma(k), abs=1e-12)


def test_no_warning_far_below_the_ceiling():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ksg_mi(*normals(1000, 1, 4.0))


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e-3, 1e5, 1e200])
def test_the_unit_of_one_side_does_not_matter(variant, scale):
    x, y = normals(600, 1, 1.0, seed=3)
    found = ksg_mi(x, y, variant=variant).value
    assert ksg_mi(scale * x, y, variant=variant).value == pytest.approx(found, abs=1e-6)
    assert ksg_mi(x, scale * y, variant=variant).value == pytest.approx(found, abs=1e-6)


def test_origin_and_order_do_not_matter():
    x, y = normals(600, 2, 1.0, seed=3)
    found = ksg_mi(x, y).value
    assert ksg_mi(x + 1e6, y - 1e6).value == pytest.approx(found, abs=1e-3)
    assert ksg_mi(y, x).value == pytest.approx(found, abs=1e-12)
    grid = np.round(x[:512] * 1024) / 1024  # so that the mean is exact, also far away
    assert ksg_mi(grid + 2.0**30, y[:512]).value == ksg_mi(grid, y[:512]).value
    order = np.random.default_rng(0).permutation(600)
    assert ksg_mi(x[order], y[order]).value == pytest.approx(found, abs=1e-12)
    assert ksg_mi(torch.from_numpy(x), torch.from_numpy(y)).value == found


def test_without_standardising_only_a_common_unit_is_free():
    x, y = normals(600, 2, 1.0, seed=3)
    found = ksg_mi(x, y, standardize=False).value
    for scale in (1e-8, 1e5):
        assert ksg_mi(scale * x, scale * y, standardize=False).value == pytest.approx(found, abs=1e-9)
    assert abs(ksg_mi(100 * x, y, standardize=False).value - found) > 0.05


def test_the_point_at_the_very_radius_is_not_counted():
    """Counting it would cost about 0.011 nats at N = 10 000."""
    x, y = normals(10_000, 1, 0.8304, seed=0)
    found = ksg_mi(x, y, standardize=False)
    eps = joint_neighbors(x, y, 3).eps
    with_it = digamma(3) + digamma(10_000) - sum(digamma(count_within(v, eps, strict=False) + 1) for v in (x, y))
    assert found.value - with_it.mean() == pytest.approx(0.011, abs=0.004)
    assert found.value == pytest.approx(0.8304, abs=0.03)


def test_counts_survive_the_rounding_of_data_far_from_0():
    """Ends v - r and v + r in floats give 0.4920 here."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(2000)
    y = 0.8 * x + 0.6 * rng.standard_normal(2000)
    assert ksg_mi(x, y, standardize=False).value == pytest.approx(0.5135, abs=5e-5)
    far = ksg_mi(x + 1e6, y + 1e6, standardize=False).value
    assert far == pytest.approx(0.5135, abs=1e-3)


def test_four_and_four_dimensions_have_their_known_bias():
    assert 1.80 <= ksg_mi(*normals(10_000, 4, 2.0)).value <= 1.90


def test_independent_samples_share_about_nothing_and_estimates_may_be_negative():
    found = [ksg_mi(*normals(400, 2, 0.0, seed)).value for seed in range(8)]
    assert np.mean(found) == pytest.approx(0, abs=0.03)
    assert min(found) < 0


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize("half_width, truth", [(0.1, 1.709438), (1.0, 0.25)])
def test_a_uniform_with_uniform_noise(variant, half_width, truth):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=4000)
    y = x + rng.uniform(-half_width, half_width, 4000)
    assert ksg_mi(x, y, variant=variant).value == pytest.approx(truth, abs=0.06)


def test_heavy_tails_pull_the_estimate_down():
    """A pair of Cauchy variables with a common scale shares 0.224171 nats; see kl_mi for one that finds them."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((20_000, 2)) / np.abs(rng.standard_normal((20_000, 1)))
    assert 0.17 <= ksg_mi(z[:, 0], z[:, 1], 5).value <= 0.21


@pytest.mark.parametrize("k", [1, 3, 5])
def test_scikit_learn_agrees_in_one_dimension(k):
    x, y = normals(1000, 1, 1.0, seed=5)
    peer = mutual_info_regression(x, y[:, 0], n_neighbors=k, random_state=0)[0]
    assert ksg_mi(x, y, k).value == pytest.approx(peer, abs=0.01)


def test_the_standard_error_is_the_spread_over_repeated_draws():
    estimates = [ksg_mi(*normals(1000, 1, 1.0, seed)) for seed in range(100, 120)]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert 0.6 <= np.mean([e.stderr for e in estimates]) / spread <= 1.6


def test_rounded_samples_are_warned_of_or_refused_and_dither_cures_them():
    truth = 1.02
    few, many = ([side.round(2) for side in normals(n, 1, truth, seed=1)] for n in (2000, 20_000))
    for standardize in (True, False):
        with pytest.warns(EstimatorWarning, match="lie on a lattice"):
            biased = ksg_mi(*few, standardize=standardize).value
        assert biased > truth + 0.06
    with pytest.raises(DegenerateSampleError, match=r"duplicate rows.*dither"):
        ksg_mi(*many)
    for x, y in (few, many):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cured = ksg_mi(dither(x, 0.01), dither(y, 0.01, seed=1)).value
        assert cured == pytest.approx(truth, abs=0.05)


def test_samples_with_a_few_duplicates_need_more_neighbours():
    x, y = normals(100, 1, 1.0)
    x, y = np.concatenate([x, x[:2], x[:1]]), np.concatenate([y, y[:2], y[:1]])
    with pytest.raises(DegenerateSampleError, match=r"5 of 103 samples.*\(3 duplicate rows\)"):
        ksg_mi(x, y, 1)
    assert math.isfinite(ksg_mi(x, y, 3).value)


def test_the_settings_say_what_was_done():
    x, y = normals(50, 1, 0.5)
    assert ksg_mi(x, y).settings == "KSG1, k = 3"
    assert ksg_mi(x, y, 4, variant=2, standardize=False).settings == "KSG2, k = 4, not standardised"


def test_the_samples_are_left_as_they_were():
    x, y = normals(50, 1, 0.5)
    kept = x.copy(), y.copy()
    ksg_mi(x, y, control="permute")
    assert np.array_equal(x, kept[0]) and np.array_equal(y, kept[1])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"k": 0}, "k is 0; expected an integer >= 1"),
        ({"k": -2}, "k is -2"),
        ({"k": 2.5}, "k is 2.5"),
        ({"k": 6}, "k is 6, with 6 samples"),
        ({"variant": 3}, r"variant is 3; expected one of \(1, 2\)"),
        ({"backend": "gpu"}, "backend is 'gpu'; expected one of"),
        ({"control": "shuffle"}, "control is 'shuffle'; expected one of"),
        ({"x": [1, 2, 3]}, "x and y have 3 and 6 samples"),
        ({"x": [1, 2, 3, 4, 5, np.inf]}, "x holds 1 NaN or infinite"),
        ({"y": [1, 2, 3, np.nan, 5, np.nan]}, "y holds 2 NaN or infinite"),
        ({"y": [5] * 6}, r"y has a constant column \(0, of value 5\)"),
        ({"x": np.zeros((6, 0))}, r"x has shape \(6, 0\)"),
        ({"x": []}, "x has 0 samples"),
        ({"x": [1], "y": [1]}, "x has 1 samples"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ksg_mi(**{"x": [0, 1, 3, 7, 12, 20], "y": [0, 2, 1, 9, 5, 4]} | arguments)


def test_a_constant_side_needs_no_standardising_and_shares_nothing():
    """All 6 samples lie within every radius on the constant side: the local value is ψ(k) - ψ(n_x + 1)."""
    x = np.array([0, 1, 3, 7, 12, 20])
    found = ksg_mi(x, np.full(6, 5), 1, standardize=False)
    assert found.local == pytest.approx(np.zeros(6), abs=1e-12)
