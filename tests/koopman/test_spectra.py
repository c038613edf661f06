"""Entropy of latent spectra: spectra known by hand, what it ignores and what it does not, and degenerate clouds."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.koopman.spectra import density_spectrum, effective_dimension, entropy_from_spectrum, von_neumann_entropy

pytestmark = pytest.mark.ch05


def cloud(n=60, d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    stretch = torch.linspace(1, 3, d, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) * stretch


def whitened(z):
    z = z - z.mean(0)
    return torch.linalg.qr(z).Q


def with_spectrum(p):
    """Centred points whose covariance has exactly these eigenvalues over their sum."""
    return whitened(cloud(50, len(p))) * torch.tensor(p, dtype=torch.float64).sqrt()


@pytest.mark.parametrize(("p", "entropy"), [((0.9, 0.1), 0.325083), ((0.5, 0.3, 0.2), 1.029653), ((1, 0), 0)])
def test_known_spectra_have_their_entropy(p, entropy):
    assert entropy_from_spectrum(torch.tensor(p)).item() == pytest.approx(entropy, abs=1e-6)
    assert von_neumann_entropy(with_spectrum(p)).item() == pytest.approx(entropy, abs=1e-6)


def test_the_effective_dimension_is_the_exponential_of_the_entropy():
    assert effective_dimension(with_spectrum((0.5, 0.3, 0.2))).item() == pytest.approx(2.800094, abs=1e-6)


def test_points_on_two_axes_have_their_entropy():
    z = torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    assert von_neumann_entropy(z).item() == pytest.approx(0.500402, abs=1e-6)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_isotropic_latents_have_the_logarithm_of_the_dimension(d):
    assert von_neumann_entropy(whitened(cloud(50, d))).item() == pytest.approx(math.log(d), abs=1e-10)


def test_latents_on_a_line_have_no_entropy():
    line = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None] * torch.tensor([1.0, -2, 3], dtype=torch.float64)
    assert von_neumann_entropy(line).item() == pytest.approx(0, abs=1e-10)
    assert effective_dimension(line).item() == pytest.approx(1, abs=1e-10)
    assert von_neumann_entropy(line, eps=1e-3).item() == pytest.approx(0, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.floats(1e-6, 1e6), st.floats(-50, 50))
def test_shift_scale_and_rotation_do_not_count(seed, scale, shift):
    z = cloud(seed=seed)
    rotation = torch.linalg.qr(cloud(4, 4, seed + 100)).Q
    moved = scale * (z @ rotation + shift)
    assert von_neumann_entropy(moved).item() == pytest.approx(von_neumann_entropy(z).item(), abs=1e-9)


def test_a_shear_counts():
    z = whitened(cloud())
    sheared = z.clone()
    sheared[:, 0] += 5 * z[:, 1]
    assert von_neumann_entropy(sheared) < von_neumann_entropy(z) - 0.3


@pytest.mark.parametrize(("n", "d"), [(5, 9), (9, 5), (6, 6), (2, 3)])
def test_the_short_way_agrees_with_the_covariance(n, d):
    z = cloud(n, d)
    eigenvalues = torch.linalg.eigvalsh(torch.cov(z.T)).clamp(min=0)
    expected = entropy_from_spectrum(eigenvalues)
    assert von_neumann_entropy(z).item() == pytest.approx(expected.item(), abs=1e-9)
    assert expected <= math.log(min(n - 1, d)) + 1e-12
    assert density_spectrum(z).shape == (min(n, d),)
    assert density_spectrum(z).sum().item() == pytest.approx(1, abs=1e-12)


def test_leading_axes_are_samples():
    z = cloud(24, 3)
    assert von_neumann_entropy(z.reshape(4, 6, 3)).item() == pytest.approx(von_neumann_entropy(z).item(), abs=1e-12)


def test_without_centring_an_offset_is_one_large_direction():
    z = whitened(cloud()) + 100
    assert effective_dimension(z, center=False) < 1.01 < 3.9 < effective_dimension(z)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 5e-324, 1e308])
def test_extreme_units_do_not_overflow(scale):
    z = torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]], dtype=torch.float64)
    if scale == 1e308:
        z = z / 2
    assert von_neumann_entropy(z * scale).item() == pytest.approx(0.500402, abs=1e-6)


def test_a_huge_offset_leaves_the_entropy():
    z = cloud()
    assert von_neumann_entropy(z + 1e8).item() == pytest.approx(von_neumann_entropy(z).item(), abs=1e-6)


def test_the_gradient_is_that_of_finite_differences():
    for z in (cloud(7, 3), cloud(3, 6)):
        assert torch.autograd.gradcheck(von_neumann_entropy, z.requires_grad_(), atol=1e-6)


def test_gradients_are_finite_where_eigenvalues_coincide_or_vanish():
    line = torch.linspace(-1, 1, 9)[:, None] * torch.ones(3)
    for z in (whitened(cloud()), line, torch.eye(4), cloud(3, 6), torch.eye(2, 5)):
        z = z.clone().requires_grad_()
        von_neumann_entropy(z).backward()
        assert torch.isfinite(z.grad).all()


def test_ascent_spreads_the_latents_and_descent_gathers_them():
    """The released code's sign, which adds S to a minimised loss, does the second."""
    z = cloud(30, 3).requires_grad_()
    before = von_neumann_entropy(z)
    (gradient,) = torch.autograd.grad(before, z)
    step = 0.1 / gradient.abs().max()
    assert von_neumann_entropy(z + step * gradient) > before > von_neumann_entropy(z - step * gradient)


def test_entropies_of_many_spectra_come_at_once():
    p = torch.tensor([[3.0, 3, 3], [1, 0, 0]])
    torch.testing.assert_close(entropy_from_spectrum(p), torch.tensor([math.log(3), 0], dtype=torch.float64))
    assert entropy_from_spectrum(torch.tensor([1e308, 1e308], dtype=torch.float64)).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (torch.full((5, 3), 0.1), "zero variance"),
        (torch.full((5, 3), 1e9), "zero variance"),
        (torch.zeros(5, 3), "zero variance"),
        (torch.ones(1, 3), "z has 1 samples"),
        (torch.ones(3), "expected \\(samples, d\\)"),
        (torch.ones(3, 0), "d >= 1"),
        (torch.tensor([[1.0], [math.nan]]), "NaN"),
        (torch.tensor([[1.0], [math.inf]]), "infinite"),
    ],
)
def test_clouds_without_an_entropy_are_refused(z, message):
    with pytest.raises(ValueError, match=message):
        von_neumann_entropy(z)


def test_zero_latents_are_refused_without_centring_too():
    with pytest.raises(ValueError, match="zero variance"):
        von_neumann_entropy(torch.zeros(4, 2), center=False)


@pytest.mark.parametrize("p", [[-0.1, 1.1], [math.nan, 1.0], [0.0, 0.0], []])
def test_spectra_that_are_none_are_refused(p):
    with pytest.raises(ValueError, match=r"p (has|is)"):
        entropy_from_spectrum(torch.tensor(p))


@pytest.mark.parametrize("eps", [0.0, -1e-12, math.nan, 1e-30])
def test_an_eps_that_does_not_protect_is_refused(eps):
    with pytest.raises(ValueError, match="eps is"):
        von_neumann_entropy(cloud(), eps=eps)
