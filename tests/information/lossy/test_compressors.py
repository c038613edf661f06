"""PCA against scikit-learn and its own definition; the bound on its loss against exact Gaussian losses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from corelib.information.known.gaussian import gaussian_mi, gaussian_pca_mi
from corelib.information.lossy.compressors import PCACompressor, pca_information_loss_bound

pytestmark = pytest.mark.ch02


def sample(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ np.diag(2.0 ** -np.arange(d)) @ rng.standard_normal((d, d)) + 3


@pytest.mark.parametrize("n, d, m", [(200, 6, 3), (200, 6, 6), (30, 80, 5), (20, 20, 1), (50, 1, 1)])
def test_scikit_learn_finds_the_same_axes(n, d, m):
    x = sample(n, d)
    pca, peer = PCACompressor(m).fit(x), PCA(m, svd_solver="full").fit(x)
    signs = np.sign((pca.components_ * peer.components_).sum(1))
    assert np.allclose(pca.components_, peer.components_ * signs[:, None], atol=1e-8)
    assert np.allclose(pca.transform(x), peer.transform(x) * signs, atol=1e-7)
    assert np.allclose(pca.eigenvalues_[:m], peer.explained_variance_, rtol=1e-9)
    assert np.allclose(pca.explained_variance_ratio_, peer.explained_variance_ratio_, rtol=1e-9)
    assert len(pca.eigenvalues_) == min(n, d) and (np.diff(pca.eigenvalues_) <= 0).all()
    assert pca.eigenvalues_.sum() == pytest.approx(np.var(x, axis=0, ddof=1).sum())


def test_codes_are_uncorrelated_and_give_the_samples_back_when_nothing_is_dropped():
    x = sample(300, 5)
    pca = PCACompressor(5).fit(x)
    codes = pca.transform(x)
    assert np.allclose(np.cov(codes.T), np.diag(pca.eigenvalues_), atol=1e-9)
    assert np.allclose(pca.inverse_transform(codes), x, atol=1e-9)


def test_a_refit_keeps_the_signs():
    x = sample(300, 4)
    first, second = PCACompressor(2).fit(x), PCACompressor(2).fit(x[::-1] * (1 + 1e-9))
    assert np.allclose(first.components_, second.components_, atol=1e-6)
    assert (np.take_along_axis(first.components_, np.abs(first.components_).argmax(1)[:, None], 1) > 0).all()


def test_an_offset_and_the_type_of_the_input_do_not_matter():
    x = sample(100, 3)
    codes = PCACompressor(2).fit(x).transform(x)
    assert np.allclose(PCACompressor(2).fit(x + 1e6).transform(x + 1e6), codes, atol=1e-7)
    as_tensor = torch.from_numpy(x)
    assert np.array_equal(PCACompressor(2).fit(as_tensor).transform(as_tensor), codes)


def test_the_bound_has_its_known_values():
    """Signal variances 4, 2, 1, 0.5 seen through noise of s.d. 0.1."""
    noisy = np.array([4, 2, 1, 0.5]) + 0.01
    found = [pca_information_loss_bound(noisy, m, 0.1) for m in range(5)]
    assert found == pytest.approx([9.922106, 6.925126, 4.273473, 1.965913, 0], abs=1e-6)
    assert pca_information_loss_bound(noisy[[2, 0, 3, 1]], 2, 0.1) == found[2]


@given(st.integers(0, 99), st.integers(0, 4), st.floats(0.05, 2))
def test_gaussian_layers_lose_exactly_the_bound_and_never_more(seed, m, sigma):
    """With X Gaussian, L = A X + sigma Z is Gaussian, and what PCA of L loses has a closed form."""
    a = np.random.default_rng(seed).standard_normal((4, 3))
    layer = a @ a.T + sigma**2 * np.eye(4)
    cov = np.block([[layer, a], [a.T, np.eye(3)]])
    loss = gaussian_mi(cov, 4) - gaussian_pca_mi(cov, 4, m)
    bound = pca_information_loss_bound(np.linalg.eigvalsh(layer), m, sigma)
    assert loss == pytest.approx(bound, abs=1e-8)  # Gaussians attain the maximal entropy in the bound's proof


def test_a_layer_of_two_points_loses_less_than_the_bound():
    """X = +-1, L = X + sigma Z: at most ln 2 to lose, and a bound of half the log of the variance ratio."""
    bound = pca_information_loss_bound(np.array([1 + 0.01]), 0, 0.1)
    assert bound == pytest.approx(0.5 * math.log(101)) and bound > math.log(2)


def test_an_eigenvalue_may_miss_the_noise_by_rounding_only():
    assert pca_information_loss_bound(np.array([1.0, 0.01 * (1 - 1e-9)]), 1, 0.1) == 0.0
    with pytest.raises(ValueError, match=r"eigenvalues has 0.009, below sigma\^2 = 0.01; expected those of the noisy"):
        pca_information_loss_bound(np.array([1.0, 0.009]), 1, 0.1)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda x: PCACompressor(0), "n_components is 0; expected an integer >= 1"),
        (lambda x: PCACompressor(1.5), "n_components is 1.5"),
        (lambda x: PCACompressor(4).fit(x), r"x has shape \(10, 3\); expected at least n_components = 4"),
        (lambda x: PCACompressor(1).fit(x[:1]), "x has 1 samples; expected at least 2"),
        (lambda x: PCACompressor(1).fit(x / 0), "x holds 30 NaN or infinite values"),
        (lambda x: PCACompressor(1).fit(x * 0 + 0.1), "x is constant"),
        (lambda x: PCACompressor(1).transform(x), "not fitted; call fit"),
        (lambda x: PCACompressor(1).inverse_transform(x), "not fitted; call fit"),
        (lambda x: PCACompressor(1).fit(x).transform(x[:, :2]), r"x has shape \(10, 2\); expected \(N, 3\)"),
        (lambda x: PCACompressor(1).fit(x).inverse_transform(x), r"codes has shape \(10, 3\); expected \(N, 1\)"),
        (lambda x: pca_information_loss_bound(np.ones(3), 4, 1.0), "m is 4; expected an integer from 0 to 3"),
        (lambda x: pca_information_loss_bound(np.ones(3), -1, 1.0), "m is -1"),
        (lambda x: pca_information_loss_bound(np.ones(3), 1, 0.0), "sigma is 0.0; expected a finite number > 0"),
        (lambda x: pca_information_loss_bound(np.ones((3, 1)), 1, 1.0), r"eigenvalues has shape \(3, 1\)"),
        (lambda x: pca_information_loss_bound(np.array([np.nan]), 1, 1.0), "expected finite numbers"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word), np.errstate(divide="ignore"):
        call(np.ones((10, 3)) + np.arange(10)[:, None])
