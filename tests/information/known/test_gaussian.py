"""Closed-form Gaussian information: the textbook value, invariances, and PCA that can only lose."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corelib.information.known.gaussian import gaussian_mi, gaussian_pca_mi

pytestmark = pytest.mark.ch02


def covariance(d, seed):
    factor = np.random.default_rng(seed).standard_normal((d, d + 2))
    return factor @ factor.T


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9, 0.999999])
def test_a_pair_has_the_textbook_value(rho):
    found = gaussian_mi(np.array([[4.0, 6 * rho], [6 * rho, 9.0]]), 1)
    assert found == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-9)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_entropies_agree_and_units_and_order_do_not_matter(dx, dy, seed):
    cov = covariance(dx + dy, seed)
    entropies = [np.linalg.slogdet(block)[1] / 2 for block in (cov[:dx, :dx], cov[dx:, dx:], cov)]
    found = gaussian_mi(cov, dx)
    assert found == pytest.approx(entropies[0] + entropies[1] - entropies[2], abs=1e-9)
    units = np.random.default_rng(seed).uniform(1e-5, 1e5, dx + dy)
    assert gaussian_mi(cov * np.outer(units, units), dx) == pytest.approx(found, abs=1e-9)
    swapped = np.roll(cov, (dy, dy), (0, 1))
    assert gaussian_mi(swapped, dy) == pytest.approx(found, abs=1e-9)


@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 99))
def test_more_axes_never_hold_less_and_all_hold_everything(dx, dy, seed):
    cov = covariance(dx + dy, seed)
    kept = [gaussian_pca_mi(cov, dx, m) for m in range(dx + 1)]
    assert kept[0] == 0
    assert (np.diff(kept) >= -1e-10).all()
    assert kept[dx] == pytest.approx(gaussian_mi(cov, dx), abs=1e-9)


def test_one_axis_is_the_information_of_that_projection():
    cov = covariance(4, 3)
    axis = np.linalg.svd(cov[:3, :3])[0][:, 0]
    rho = axis @ cov[:3, 3] / math.sqrt(axis @ cov[:3, :3] @ axis * cov[3, 3])
    assert gaussian_pca_mi(cov, 3, 1) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-10)


def test_nearly_all_the_variance_may_hold_none_of_the_information():
    """X ~ N(0, diag(10, 1e-4)), Y = 100 X_2 + 0.1 Z: one axis keeps 99.999 % of the variance."""
    cov = np.array([[10, 0, 0], [0, 1e-4, 1e-2], [0, 1e-2, 1.01]])
    assert gaussian_mi(cov, 2) == pytest.approx(0.5 * math.log(101), abs=1e-9)
    assert gaussian_pca_mi(cov, 2, 1) == 0
    assert gaussian_pca_mi(cov, 2, 2) == pytest.approx(2.3076, abs=1e-4)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: gaussian_mi(np.ones((2, 3)), 1), r"cov has shape \(2, 3\); expected a square matrix"),
        (lambda: gaussian_mi(np.eye(3), 3), "dx is 3; expected an integer from 1 to 2"),
        (lambda: gaussian_mi(np.eye(3), 0), "dx is 0"),
        (lambda: gaussian_mi(np.array([[1, 0.5], [0.4, 1]]), 1), "cov differs from its transpose by 0.1"),
        (lambda: gaussian_mi(np.array([[1.0, 2], [2, 1]]), 1), "cov is not positive definite"),
        (lambda: gaussian_mi(np.ones((2, 2)), 1), "cov is not positive definite"),
        (lambda: gaussian_mi(np.diag([1.0, 0.0]), 1), "expected variances > 0"),
        (lambda: gaussian_mi(np.array([[1, np.nan], [np.nan, 1]]), 1), "cov holds NaN"),
        (lambda: gaussian_pca_mi(np.eye(3), 2, 3), "m is 3; expected an integer from 0 to dx = 2"),
        (lambda: gaussian_pca_mi(np.eye(3), 2, -1), "m is -1"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
