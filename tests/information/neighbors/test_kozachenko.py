"""Kozachenko-Leonenko entropies and their sum: exact small cases, invariances, bands, and where they go wrong."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.special import digamma
from scipy.stats import norm, rankdata

from corelib.information.neighbors.gaussianize import gaussianize, whiten
from corelib.information.neighbors.kozachenko import kl_entropy, kl_mi
from corelib.information.neighbors.ksg import ksg_mi
from corelib.information.neighbors.weights import kl_weights
from corelib.information.samples import DegenerateSampleError, EstimatorWarning, dither

pytestmark = pytest.mark.ch02
FOUR = np.array([[0, 0], [3, 4], [0, 1], [6, 8]])
PLAIN = {"weights": None, "preprocess": "none", "rescale": "none"}


def normals(n, d, information, seed=0):
    """d independent pairs of normals that share ``information`` nats in all."""
    rng = np.random.default_rng(seed)
    rho = math.sqrt(1 - math.exp(-2 * information / d))
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def sample(n=200, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("backend", ["numba", "tree", "torch"])
@pytest.mark.parametrize(
    "x, k, wanted",
    [
        ([0, 1, 3], 1, 2.194559086),
        ([0, 1, 3, 7], 1, 2.888835520),
        ([0, 1, 3, 7], 2, 2.539507941),
        (FOUR, 1, 4.347869735),
        (FOUR, 2, 5.263251506),
    ],
)
def test_exact_small_cases(x, k, wanted, backend):
    assert kl_entropy(np.array(x), k, backend=backend) == pytest.approx(wanted, abs=1e-9)


def test_a_small_case_by_its_formula():
    assert kl_entropy([0, 1, 3], 1) == pytest.approx(2 * math.log(2) - digamma(1) + math.log(2) / 3, abs=1e-12)


def test_the_max_norm_has_cubes_for_balls():
    """Max-norm distances of the four points to their nearest: 1, 3, 1, 4; the ball of radius r has volume (2 r)^2."""
    wanted = 2 * np.log([1, 3, 1, 4]).mean() + 2 * math.log(2) + math.log(3) - digamma(1)
    assert kl_entropy(FOUR, 1, metric="chebyshev") == pytest.approx(wanted, abs=1e-12)
    line = np.array([0, 1, 3, 7])
    assert kl_entropy(line, 2, metric="chebyshev") == pytest.approx(kl_entropy(line, 2), abs=1e-12)


def test_weights_mix_the_entropies_of_single_neighbours():
    x = sample(d=4)
    each = [kl_entropy(x, k) for k in (1, 2, 3)]
    assert kl_entropy(x, 3, weights="berrett") == pytest.approx(np.array([153, 13, -92]) / 74 @ each, abs=1e-9)
    assert kl_entropy(x, 3, weights=np.array([0.5, 0.25, 0.25])) == pytest.approx([0.5, 0.25, 0.25] @ np.array(each))
    assert kl_entropy(x, 3, weights=[0, 1, 0]) == pytest.approx(each[1], abs=1e-12)


@pytest.mark.parametrize("settings", [{}, {"weights": "berrett", "k": 8}, {"metric": "chebyshev"}], ids=str)
def test_shift_scale_and_rotation(settings):
    x = sample(d=5)
    h = kl_entropy(x, **settings)
    assert kl_entropy(x + 3.7, **settings) == pytest.approx(h, abs=1e-9)
    assert kl_entropy(x + 1e6, **settings) == pytest.approx(h, abs=1e-6)
    for a in (1e-8, -2.5, 1e5):
        assert kl_entropy(a * x, **settings) == pytest.approx(h + 5 * math.log(abs(a)), abs=1e-9)
    rotation = np.linalg.qr(sample(5, 5, seed=1))[0]
    if "metric" not in settings:
        assert kl_entropy(x @ rotation, **settings) == pytest.approx(h, abs=1e-9)


def test_rescaling_takes_a_linear_map_out_and_puts_its_determinant_back():
    x = sample(d=3) @ np.array([[1, 0, 0], [3, 20, 0], [0, 5, 0.1]])
    z, log_det = whiten(x)
    assert kl_entropy(x, rescale="whiten") == pytest.approx(kl_entropy(z) + log_det, abs=1e-9)
    by_columns = kl_entropy(x / x.std(axis=0)) + np.log(x.std(axis=0)).sum()
    assert kl_entropy(x, rescale="std") == pytest.approx(by_columns, abs=1e-9)
    mixed = x @ np.linalg.qr(sample(3, 3, seed=1))[0]
    assert kl_entropy(mixed, rescale="whiten") == pytest.approx(kl_entropy(x, rescale="whiten"), abs=1e-8)
    assert abs(kl_entropy(x) - kl_entropy(x, rescale="whiten")) > 0.1  # otherwise nothing was taken out


@pytest.mark.parametrize("d, band", [(1, 0.05), (2, 0.06), (4, 0.12)])
def test_entropies_of_normal_and_uniform_samples(d, band):
    truth = d / 2 * math.log(2 * math.pi * math.e)
    assert kl_entropy(sample(2000, d)) == pytest.approx(truth, abs=band)
    if d < 4:
        assert kl_entropy(np.random.default_rng(0).uniform(size=(2000, d))) == pytest.approx(0, abs=band)


def test_weights_cancel_the_bias_that_a_single_neighbour_has_in_eight_dimensions():
    uniform = np.random.default_rng(0).uniform(size=(2000, 8))
    assert kl_entropy(uniform) == pytest.approx(1.20, abs=0.15)  # truth 0: the hard edges of the cube
    normal, truth = sample(2000, 16), 8 * math.log(2 * math.pi * math.e)
    assert kl_entropy(normal) - truth > 0.4
    assert abs(kl_entropy(normal, 50, weights=kl_weights(50, 16, max_constraints=2)) - truth) < 0.25


def test_the_information_is_the_sum_of_three_entropies():
    x, y = normals(300, 2, 1.0)
    found = kl_mi(x, y, 6, rescale="none", preprocess="none")
    parts = [kl_entropy(part, 6, weights="berrett") for part in (x, y, np.hstack([x, y]))]
    assert found.value == pytest.approx(parts[0] + parts[1] - parts[2], abs=1e-9)
    assert found.local.mean() == pytest.approx(found.value, abs=1e-12)
    assert found.stderr == pytest.approx(found.local.std(ddof=1) / math.sqrt(300), rel=1e-12)
    assert found.n == 300 and found.units == "nats"


def test_the_defaults_are_each_step_in_its_place():
    x, y = normals(300, 2, 1.0)
    x = np.exp(x)
    g_x, g_y = gaussianize(x), gaussianize(y)
    parts = [kl_entropy(p, 20, weights="berrett", rescale="whiten") for p in (g_x, g_y, np.hstack([g_x, g_y]))]
    found = kl_mi(x, y)
    assert found.value == pytest.approx(parts[0] + parts[1] - parts[2], abs=1e-9)
    assert found.settings == "weighted KL, k = 20, Gaussianised, whitened"
    assert kl_mi(x, y, 3, **PLAIN).settings == "KL, k = 3"


def test_symmetry_units_and_origin():
    x, y = normals(400, 2, 1.0)
    found = kl_mi(x, y).value
    assert kl_mi(y, x).value == pytest.approx(found, abs=1e-9)
    for scale in (1e-8, 1e5):
        assert kl_mi(scale * x, y).value == pytest.approx(found, abs=1e-6)
    assert kl_mi(x + 1e6, y).value == pytest.approx(found, abs=1e-3)
    assert kl_mi(torch.from_numpy(x), torch.from_numpy(y)).value == found


def test_four_and_four_dimensions_with_two_nats():
    found = kl_mi(*normals(5000, 4, 2.0))
    assert 1.85 <= found.value <= 2.2


@pytest.mark.parametrize("truth", [0.0, 0.5, 4.0])
def test_pairs_of_normals(truth):
    assert kl_mi(*normals(3000, 1, truth, seed=1)).value == pytest.approx(truth, abs=0.09)


@pytest.mark.parametrize("d, nu, truth", [(1, 1, 0.224171), (2, 3, 0.110826)])
def test_student_pairs_share_information_without_correlation(d, nu, truth):
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4000, 2 * d)) / np.sqrt(rng.chisquare(nu, (4000, 1)) / nu)
    assert kl_mi(z[:, :d], z[:, d:]).value == pytest.approx(truth, abs=0.06)


def test_a_negative_estimate_is_left_negative():
    values = [kl_mi(*normals(300, 1, 0.0, seed), 3, **PLAIN).value for seed in range(8)]
    assert min(values) < 0 < max(values)


def test_whitening_decides_at_high_information():
    x, y = normals(5000, 4, 10.0)
    assert kl_mi(x, y, 5, **PLAIN).value == pytest.approx(5.77, abs=0.15)
    assert kl_mi(x, y, 5, **PLAIN | {"rescale": "whiten"}).value == pytest.approx(9.94, abs=0.15)


def test_knots_and_not_exact_ranks_at_high_information():
    """Normal scores of exact ranks put both columns on one lattice, which passes for information."""
    x, y = normals(5000, 1, 8.0)
    assert kl_mi(x, y).value == pytest.approx(8, abs=0.15)
    on_ranks = [norm.ppf((rankdata(side) - 0.5) / 5000) for side in (x[:, 0], y[:, 0])]
    assert kl_mi(*on_ranks, preprocess="none").value > 10


def test_a_curve_in_the_plane_has_no_density_and_no_such_entropy():
    rng = np.random.default_rng(0)
    u = rng.uniform(size=4000)
    angle = 1.5 * math.pi * (1 + 2 * u)
    curve = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 10
    y = 0.75 * norm.ppf(u) + math.sqrt(1 - 0.75**2) * rng.standard_normal(4000)
    truth = -0.5 * math.log(1 - 0.75**2)
    assert ksg_mi(curve, y).value == pytest.approx(truth, abs=0.05)
    assert kl_mi(curve, y).value < -0.5


def test_the_standard_error_is_the_spread_over_repeated_draws():
    estimates = [kl_mi(*normals(600, 1, 1.0, seed)) for seed in range(20)]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert 0.6 <= np.mean([e.stderr for e in estimates]) / spread <= 1.6


def test_rounded_samples_are_refused_and_dither_cures_them():
    truth = 1.02
    x, y = (side.round(2) for side in normals(5000, 1, truth))
    with pytest.raises(DegenerateSampleError, match=r"duplicate rows.*dither"):
        kl_mi(x, y)
    assert kl_mi(dither(x, 0.01), dither(y, 0.01, seed=1)).value == pytest.approx(truth, abs=0.06)


def test_fewer_rounded_samples_are_warned_of():
    x, y = (side.round(2) for side in normals(2000, 1, 1.02))
    with pytest.warns(EstimatorWarning, match="lie on a lattice"):
        kl_mi(x, y)
    with pytest.warns(EstimatorWarning, match="lie on a lattice"):
        kl_entropy(x, 20)


def test_duplicates_are_refused_with_their_number():
    x = np.concatenate([np.zeros(4), np.arange(1, 30)])
    with pytest.raises(DegenerateSampleError, match=r"4 of 33 samples .*\(3 duplicate rows\)"):
        kl_entropy(x, 3)
    assert math.isfinite(kl_entropy(x, 4))  # the fourth neighbour is somewhere else
    with pytest.raises(DegenerateSampleError):
        kl_entropy(x, 4, weights=[0, 0, 0.5, 0.5])


def test_many_dimensions_with_these_weights_come_with_a_warning():
    x = sample(400, 6)
    with pytest.warns(EstimatorWarning, match="the joint dimension is 12.*norm 45.8"):
        kl_mi(x, sample(400, 6, seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kl_mi(x, sample(400, 5, seed=1))
        kl_mi(x, sample(400, 6, seed=1), weights=None)


@pytest.mark.parametrize("k", [0, 1.0, 40, 41])
def test_a_bad_neighbour_number_is_named(k):
    x = sample(40, 1)
    for call in (lambda: kl_entropy(x, k), lambda: kl_mi(x, x, k)):
        with pytest.raises(ValueError, match=f"k is {k}"):
            call()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"metric": "cosine"}, "metric is 'cosine'"),
        ({"rescale": "robust"}, "rescale is 'robust'"),
        ({"weights": "best"}, "weights is 'best'"),
        ({"weights": [1.0]}, r"weights has shape \(1,\) and sum 1; expected \(5,\)"),
        ({"weights": np.full(5, 0.3)}, r"weights has shape \(5,\) and sum 1.5"),
        ({"weights": np.array([np.nan, 1, 0, 0, 0])}, "weights has shape"),
        ({"backend": "faiss"}, "backend is 'faiss'"),
    ],
)
def test_bad_options_are_named(arguments, message):
    x = sample(40, 2)
    with pytest.raises(ValueError, match=message):
        kl_entropy(x, 5, **arguments)
    with pytest.raises(ValueError, match=message):
        kl_mi(x, sample(40, 1, seed=1), 5, **arguments)


def test_bad_samples_are_named():
    x = sample(40, 2)
    constant = np.hstack([x, np.ones((40, 1))])
    with pytest.raises(ValueError, match="preprocess is 'rank'"):
        kl_mi(x, x, preprocess="rank")
    with pytest.raises(ValueError, match="x and y have 40 and 39 samples"):
        kl_mi(x, x[1:])
    with pytest.raises(ValueError, match="y holds 80 NaN"):
        kl_mi(x, x * np.nan)
    for rescale in ("std", "whiten"):
        with pytest.raises(ValueError, match="x has a constant column"):
            kl_entropy(constant, rescale=rescale)
    with pytest.raises(ValueError, match="k is 5, which gives 5 neighbours"):
        kl_entropy(sample(40, 20), 5, weights="berrett")
    with pytest.raises(ValueError, match="rank < 2"):
        kl_mi(x[:, 0], 2 * x[:, 0])  # a deterministic line: infinite information, no joint density
