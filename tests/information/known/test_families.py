"""Families of known information: their formulas against integration, their samples against their formulas."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from corelib.information.known.families import (
    FAMILIES,
    correlated_normal,
    correlated_student,
    correlated_uniform,
    log_gamma_exponential,
    smoothed_uniform,
    stretched_normal,
    student_floor,
    swiss_roll,
    uniform_labels,
)

pytestmark = pytest.mark.ch02


def rng(seed=0):
    return np.random.default_rng(seed)


def gaussian_information(x, y):
    """What the covariance of a sample says, from canonical correlations: another route than determinants."""
    q_x, q_y = (np.linalg.qr(z - z.mean(0))[0] for z in (x, y))
    canonical = np.linalg.svd(q_x.T @ q_y, compute_uv=False)
    return -0.5 * np.log1p(-(canonical**2)).sum()


@pytest.mark.parametrize("dx, dy", [(1, 1), (3, 2), (2, 5)])
@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("mi", [0.0, 1e-3, 2.0, 10.0])
def test_normal_samples_have_the_information_of_their_covariance(mi, dx, dy, rotate):
    pair = correlated_normal(20_000, mi, dx, dy, rng=rng(), rotate=rotate)
    assert pair.x.shape == (20_000, dx) and pair.y.shape == (20_000, dy) and pair.mi == mi
    # The standard error of a correlated pair is below 1 / sqrt(N) = 0.007 each.
    assert gaussian_information(pair.x, pair.y) == pytest.approx(mi, abs=0.04)
    for z in (pair.x, pair.y):
        assert np.abs(np.cov(z.T) - np.eye(z.shape[1])).max() < 0.05


def test_rotation_hides_the_pairs():
    plain, turned = (correlated_normal(5000, 4.0, 3, 3, rng=rng(), rotate=r) for r in (False, True))
    assert np.abs(np.corrcoef(plain.x[:, 0], plain.y[:, 1])[0, 1]) < 0.05
    off_diagonal = np.corrcoef(turned.x.T, turned.y.T)[:3, 3:] * (1 - np.eye(3))
    assert np.abs(off_diagonal).max() > 0.2


@pytest.mark.parametrize("rotate", [False, True])
def test_uniform_samples_are_uniform_and_go_back_to_normal_ones(rotate):
    pair = correlated_uniform(20_000, 1.5, 2, 3, rng=rng(), rotate=rotate)
    for column in (*pair.x.T, *pair.y.T):
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    assert gaussian_information(special.ndtri(pair.x), special.ndtri(pair.y)) == pytest.approx(1.5, abs=0.04)


def test_stretched_samples_go_back_to_normal_ones():
    pair = stretched_normal(20_000, 1.0, 2, 2, rng=rng())
    unstretched = [np.sign(z) * np.abs(z) ** (2 / 3) for z in (pair.x, pair.y)]
    assert stats.kstest(unstretched[0][:, 0], "norm").pvalue > 1e-3
    assert gaussian_information(*unstretched) == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(
    "dx, dy, dof, expected", [(1, 1, 1, 0.224171), (2, 2, 3, 0.110826), (5, 5, 2, 0.448151), (3, 2, 1e7, 0.0)]
)
def test_the_student_floor_has_its_known_values(dx, dy, dof, expected):
    assert student_floor(dx, dy, dof) == pytest.approx(expected, abs=1e-6)
    assert student_floor(dy, dx, dof) == pytest.approx(student_floor(dx, dy, dof), abs=1e-12)


@pytest.mark.parametrize("dof, part", [(1, 0.0), (3, 0.5)])
def test_student_samples_have_the_log_density_ratio_of_their_total(dof, part):
    """The mean of ln p(x, y) / p(x) p(y) over the sample is the information, by definition."""
    pair = correlated_student(40_000, part, 2, 1, dof, rng=rng())
    rho = math.sqrt(1 - math.exp(-2 * part))
    shape = np.array([[1, 0, rho], [0, 1, 0], [rho, 0, 1]])
    ratio = (
        stats.multivariate_t(shape=shape, df=dof).logpdf(np.hstack([pair.x, pair.y]))
        - stats.multivariate_t(shape=np.eye(2), df=dof).logpdf(pair.x)
        - stats.t(dof).logpdf(pair.y[:, 0])
    )
    assert pair.mi == pytest.approx(part + student_floor(2, 1, dof))
    assert ratio.mean() == pytest.approx(pair.mi, abs=5 * ratio.std() / 200)


@given(st.floats(0.01, 12), st.integers(1, 4))
def test_the_noise_of_the_smoothed_uniform_solves_its_formula(mi, d):
    pair = smoothed_uniform(4000, mi, d, rng=rng())
    e = np.abs(pair.y - pair.x).max()  # a sample of thousands reaches the edge of the noise
    each = e - math.log(2 * e) if e < 0.5 else 1 / (4 * e)
    assert each * d == pytest.approx(mi, rel=3e-3, abs=5e-3 * d)
    assert np.abs(pair.x - 0.5).max() <= 0.5


@pytest.mark.parametrize("e, expected", [(0.1, 1.709438), (0.5, 0.5), (1.0, 0.25), (3.0, 1 / 12)])
def test_the_smoothed_uniform_by_integration(e, expected):
    """I = h(Y) - ln(2e), with the trapezium that the sum of two uniforms has."""

    def minus_p_log_p(y):
        p = max(0.0, min(1, y + e) - max(0, y - e)) / (2 * e)
        return -p * math.log(p) if p > 0 else 0.0

    corners = sorted({-e, e, 1 - e, 1 + e})
    entropy = sum(integrate.quad(minus_p_log_p, a, b)[0] for a, b in pairwise(corners))
    assert entropy - math.log(2 * e) == pytest.approx(expected, abs=1e-6)
    pair = smoothed_uniform(20_000, expected, 1, rng=rng())
    assert np.abs(pair.y - pair.x).max() == pytest.approx(e, rel=1e-3)


@pytest.mark.parametrize("theta", [0.3, 1.0, 4.0])
def test_the_gamma_exponential_by_integration(theta):
    """I = h(Y) - h(Y|X): a Lomax marginal, and exponentials of entropy 1 - ln X."""
    lomax = integrate.quad(lambda y: -stats.lomax.pdf(y, theta) * stats.lomax.logpdf(y, theta), 0, np.inf, limit=500)[0]

    def weighted_logarithm(log_x):  # in ln x, where a small shape has no pole
        return log_x * math.exp(theta * log_x - math.exp(log_x) - math.lgamma(theta))

    log_rate = integrate.quad(weighted_logarithm, -80, 6, limit=500)[0]
    expected = special.digamma(theta + 1) - math.log(theta)
    assert lomax - (1 - log_rate) == pytest.approx(expected, abs=1e-4)
    # ... and the sampler finds that shape again from the information alone.
    pair = log_gamma_exponential(40_000, expected, 1, rng=rng())
    assert stats.kstest(np.exp(pair.x[:, 0]), stats.gamma(theta).cdf).pvalue > 1e-3
    assert stats.kstest(np.exp(pair.y[:, 0]), stats.lomax(theta).cdf).pvalue > 1e-3
    assert stats.kstest(np.exp(pair.x + pair.y)[:, 0], "expon").pvalue > 1e-3


@given(st.floats(1e-4, 30), st.integers(1, 4))
def test_gamma_exponential_samples_are_finite_at_any_information(mi, d):
    pair = log_gamma_exponential(500, mi, d, rng=rng())
    assert np.isfinite(pair.x).all() and np.isfinite(pair.y).all() and pair.mi == mi


def test_labels_are_determined_and_equally_likely():
    pair = uniform_labels(20_000, 3, rng=rng())
    assert pair.mi == math.log(10) and pair.y.shape == (20_000,)
    assert np.array_equal(pair.y, np.floor(10 * pair.x[:, 0]))
    assert np.abs(np.bincount(pair.y, minlength=10) / 20_000 - 0.1).max() < 0.01


def test_the_roll_unrolls():
    pair = swiss_roll(3000, 0.41, rng=rng())
    flat = correlated_uniform(3000, 0.41, 1, 1, rng=rng())
    unrolled = (np.linalg.norm(pair.x, axis=1) / (1.5 * math.pi) - 1) / 2
    assert pair.x.shape == (3000, 2) and pair.mi == 0.41
    assert np.allclose(unrolled, flat.x[:, 0], atol=1e-12) and np.array_equal(pair.y, flat.y)
    angle = np.arctan2(pair.x[:, 1], pair.x[:, 0])
    assert np.allclose(np.cos(angle - np.linalg.norm(pair.x, axis=1)), 1)  # the radius is the angle turned through


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_grid_draws_each_family_to_the_total_asked_for(name, d):
    first, again = (FAMILIES[name](64, 0.5, d, rng(3)) for _ in range(2))
    assert first.mi == pytest.approx(0.5, abs=1e-12)
    assert first.x.shape == first.y.shape == (64, d)
    assert np.isfinite(first.x).all() and np.isfinite(first.y).all()
    assert np.array_equal(first.x, again.x) and np.array_equal(first.y, again.y)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: correlated_normal(0, 1.0, 1, 1, rng=rng()), "n is 0; expected an integer >= 1"),
        (lambda: correlated_normal(9, 1.0, 0, 1, rng=rng()), "dx is 0"),
        (lambda: correlated_normal(9, 1.0, 1, 1.5, rng=rng()), "dy is 1.5"),
        (lambda: correlated_normal(9, -1.0, 1, 1, rng=rng()), "mi is -1.0; expected a finite number >= 0 of nats"),
        (lambda: correlated_uniform(9, math.inf, 1, 1, rng=rng()), "mi is inf"),
        (lambda: stretched_normal(9, math.nan, 1, 1, rng=rng()), "mi is nan"),
        (lambda: correlated_student(9, 1.0, 1, 1, 0, rng=rng()), "dof is 0; expected a finite number > 0"),
        (lambda: smoothed_uniform(9, 0.0, 1, rng=rng()), "mi is 0.0; expected a finite number > 0 of nats"),
        (lambda: log_gamma_exponential(9, 0.0, 1, rng=rng()), "mi is 0.0; expected a finite number > 0 of nats"),
        (lambda: uniform_labels(9, 1, rng=rng(), n_classes=0), "n_classes is 0"),
        (lambda: FAMILIES["student-3"](9, 0.05, 2, rng()), "mi is 0.05; expected at least 0.110826"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
