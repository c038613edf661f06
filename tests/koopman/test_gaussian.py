"""Closed forms of linear-Gaussian information: scalars by hand, joint covariances by brute force, and invariances."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov
from torch.distributions import MultivariateNormal, kl_divergence

from corelib.koopman.gaussian import (
    channel_gains,
    gaussian_transition_kl,
    information_decomposition,
    linear_gaussian_mi,
)

pytestmark = pytest.mark.ch05


def matrix(values):
    return torch.tensor(values, dtype=torch.float64)


def eye(d):
    return torch.eye(d, dtype=torch.float64)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(d, seed):
    root = random(d, d + 1, seed=seed)
    return root @ root.T / d + 0.1 * eye(d)


def stable(d, seed, radius=0.9):
    K = random(d, d, seed=seed)
    return radius * K / torch.linalg.eigvals(K).abs().max()


def rotation(angle):
    return matrix([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def conditional_information(joint, a, b, given=()):
    """I(a; b | given) of index lists into a joint covariance, by four determinants."""

    def half_log_det(*groups):
        index = [i for group in groups for i in group]
        return 0.5 * torch.logdet(joint[index][:, index]).item() if index else 0.0

    return half_log_det(a, given) + half_log_det(b, given) - half_log_det(a, b, given) - half_log_det(given)


def joint_covariance(A, Q, E, V, n):
    """Covariance of (x_{t-n}, ..., x_t, z_{t-n}, ..., z_t), built from the noises; and the indices of each."""
    m, d, times = len(A), len(E), n + 1
    P = torch.from_numpy(solve_discrete_lyapunov(A.numpy(), Q.numpy()))
    sources = torch.block_diag(P, *[Q] * n, *[V] * times)
    states = [torch.zeros(m, len(sources), dtype=torch.float64)]
    states[0][:, :m] = eye(m)
    for t in range(1, times):
        states.append(A @ states[-1])
        states[-1][:, t * m : (t + 1) * m] += eye(m)
    latents = [E @ x for x in states]
    for t, z in enumerate(latents):
        start = times * m + t * d
        z[:, start : start + d] += eye(d)
    rows = torch.cat(states + latents)
    x = [list(range(t * m, (t + 1) * m)) for t in range(times)]
    z = [list(range(times * m + t * d, times * m + (t + 1) * d)) for t in range(times)]
    return rows @ sources @ rows.T, x, z


@pytest.mark.parametrize(("n", "value"), [(1, 0.8303656), (2, 0.5337022), (5, 0.2143759), (20, 0.0074456)])
def test_a_scalar_has_the_information_of_its_correlation(n, value):
    found = linear_gaussian_mi(matrix([[0.9]]), matrix([[1.0]]), matrix([[0.19]]), n).item()
    assert found == pytest.approx(value, abs=1e-7)
    assert found == pytest.approx(-0.5 * math.log1p(-(0.9 ** (2 * n))), rel=1e-12)


@pytest.mark.parametrize(("n", "value"), [(1, 2.920338), (5, 0.883771), (50, 0.054406)])
def test_three_modes_have_their_information(n, value):
    found = linear_gaussian_mi(torch.diag(matrix([0.99, 0.9, 0.5])), eye(3), 0.1 * eye(3), n)
    assert found.item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("n", "value"), [(1, 3.044522), (20, math.log(2)), (100, 0.182322)])
def test_a_rotation_forgets_like_one_over_n(n, value):
    """Eigenvalues of modulus one do not conserve information under noise."""
    found = linear_gaussian_mi(rotation(0.3), eye(2), 0.05 * eye(2), n)
    assert found.item() == pytest.approx(value, abs=1e-6)
    assert found.item() == pytest.approx(math.log1p(1 / (0.05 * n)), rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4), st.integers(1, 5))
def test_information_is_that_of_the_joint_covariance(seed, d, n):
    K, C, Sigma = 1.2 * stable(d, seed), covariance(d, seed + 1), covariance(d, seed + 2)
    power, noise = eye(d), torch.zeros(d, d, dtype=torch.float64)
    for _ in range(n):
        noise, power = K @ noise @ K.T + Sigma, K @ power
    joint = torch.cat([torch.cat([C, C @ power.T], 1), torch.cat([power @ C, power @ C @ power.T + noise], 1)])
    expected = conditional_information(joint, list(range(d)), list(range(d, 2 * d)))
    assert linear_gaussian_mi(K, C, Sigma, n).item() == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 6))
def test_information_does_not_depend_on_the_coordinates(seed, n):
    K, C, Sigma, T = stable(3, seed), covariance(3, seed + 1), covariance(3, seed + 2), random(3, 3, seed=seed + 3)
    T = T + 3 * eye(3)
    changed = linear_gaussian_mi(T @ K @ torch.linalg.inv(T), T @ C @ T.T, T @ Sigma @ T.T, n)
    assert changed.item() == pytest.approx(linear_gaussian_mi(K, C, Sigma, n).item(), rel=1e-7, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.floats(0.2, 1.3))
def test_information_never_grows_with_the_horizon(seed, radius):
    K, C, Sigma = stable(3, seed, radius), covariance(3, seed + 1), covariance(3, seed + 2)
    values = [linear_gaussian_mi(K, C, Sigma, n).item() for n in range(1, 8)]
    assert all(later <= earlier + 1e-10 for earlier, later in pairwise(values))
    assert values[-1] >= 0


def test_units_that_differ_a_lot_are_no_obstacle():
    K, units = stable(2, 5), torch.diag(matrix([1e-12, 1e12]))
    C, Sigma = covariance(2, 6), covariance(2, 7)
    scaled = linear_gaussian_mi(units @ K @ units.inverse(), units @ C @ units, units @ Sigma @ units, 3)
    assert scaled.item() == pytest.approx(linear_gaussian_mi(K, C, Sigma, 3).item(), rel=1e-9)


def test_little_information_keeps_its_digits():
    found = linear_gaussian_mi(matrix([[0.5]]), matrix([[1.0]]), matrix([[1.0]]), 40)
    noise = sum(0.25**i for i in range(40))
    assert found.item() == pytest.approx(0.5 * 0.25**40 / noise, rel=1e-9)


def test_a_latent_without_variance_tells_nothing():
    assert linear_gaussian_mi(eye(2), torch.zeros(2, 2), eye(2), 3) == 0
    assert linear_gaussian_mi(torch.zeros(2, 2), eye(2), eye(2)) == 0


def test_noise_in_one_place_may_reach_every_direction():
    """One step leaves a noiseless direction, the second does not."""
    K, Sigma = matrix([[0.5, 1.0], [0.0, 0.5]]), torch.diag(matrix([0.0, 1.0]))
    with pytest.raises(ValueError, match="singular"):
        linear_gaussian_mi(K, eye(2), Sigma, 1)
    assert 0 < linear_gaussian_mi(K, eye(2), Sigma, 2) < math.inf


def test_gains_belong_to_the_information_of_white_latents():
    K, Sigma = stable(3, 0), covariance(3, 1)
    for n in (1, 4):
        gains = channel_gains(K, Sigma, n)
        assert (gains.diff() <= 0).all()
        expected = linear_gaussian_mi(K, 2.5 * eye(3), Sigma, n)
        assert (0.5 * torch.log1p(2.5 * gains)).sum().item() == pytest.approx(expected.item(), rel=1e-10)
    axes = channel_gains(torch.diag(matrix([0.5, 2])), torch.diag(matrix([0.1, 4])))
    assert axes.tolist() == pytest.approx([2.5, 1])


@pytest.mark.parametrize("n", range(1, 6))
@pytest.mark.parametrize("seed", [0, 1])
def test_the_parts_of_the_latent_information_are_conditional_informations(n, seed):
    A, Q, E, V = stable(3, seed), covariance(3, seed + 1), random(2, 3, seed=seed + 2), covariance(2, seed + 3)
    found = information_decomposition(A, Q, E, V, n)
    joint, x, z = joint_covariance(A, Q, E, V, n)
    assert found.coherent.item() == pytest.approx(conditional_information(joint, z[0], z[-1]), abs=1e-10)
    dissipating = conditional_information(joint, z[-1], x[-2], z[0])
    assert found.dissipating.item() == pytest.approx(dissipating, abs=1e-10)
    assert found.residual.item() == pytest.approx(conditional_information(joint, z[-1], x[-1], x[-2]), abs=1e-10)
    total = conditional_information(joint, z[-1], x[-1])
    assert sum(found[:3]).item() == pytest.approx(total, abs=1e-10)
    assert found.total.item() == pytest.approx(total, abs=1e-10)
    assert min(found) >= -1e-12


def test_a_latent_carries_less_from_step_to_step_than_the_state():
    """With latents encoded from states: I(x; x') >= I(z; x') >= I(z; z')."""
    for seed in range(5):
        A, Q, E, V = stable(3, seed), covariance(3, seed + 1), random(3, 3, seed=seed + 2), covariance(3, seed + 3)
        joint, x, z = joint_covariance(A, Q, E, V, 1)
        P = joint[x[0]][:, x[0]]
        mixed = conditional_information(joint, z[0], x[1])
        assert linear_gaussian_mi(A, P, Q).item() >= mixed >= information_decomposition(A, Q, E, V).coherent.item()


def test_one_latent_of_the_other_graph_carries_more():
    """With states decoded from latents the order is the reverse."""
    K, C, Sigma, noise = 0.9 * rotation(0.4), eye(2), 0.19 * eye(2), 0.5 * eye(2)
    joint = torch.cat([torch.cat([C, C @ K.T], 1), torch.cat([K @ C, K @ C @ K.T + Sigma], 1)])
    seen = joint + torch.block_diag(noise, noise)
    states = conditional_information(seen, [0, 1], [2, 3])
    assert states < linear_gaussian_mi(K, C, Sigma).item()


def test_the_divergence_has_its_hand_values():
    one = gaussian_transition_kl(matrix([1.0]), matrix([0.25]).log(), matrix([0.0]), eye(1), matrix([0.0]))
    assert one.item() == pytest.approx(0.818147, abs=1e-6)
    two = gaussian_transition_kl(
        matrix([1.0, 0]),
        matrix([0.1, 0.4]).log(),
        matrix([1.0, -1]),
        matrix([[0.9, -0.1], [0.2, 0.8]]),
        matrix([0.5, 2]).log(),
    )
    assert two.item() == pytest.approx(0.899438, abs=1e-6)


def test_the_divergence_is_that_of_torch_at_every_time():
    mean, z, K = random(2, 5, 3), random(2, 5, 3, seed=1), stable(3, 2)
    logvar, log_sigma2 = random(2, 5, 3, seed=3), random(3, seed=4)
    expected = kl_divergence(
        MultivariateNormal(mean, torch.diag_embed(logvar.exp())),
        MultivariateNormal(torch.einsum("ij,btj->bti", K, z), torch.diag(log_sigma2.exp())),
    )
    found = gaussian_transition_kl(mean, logvar, z, K, log_sigma2)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gaussian_transition_kl(mean, logvar, z, K, log_sigma2.expand(2, 5, 3)), expected)
    same = gaussian_transition_kl(z @ K.T, log_sigma2.expand(2, 5, 3), z, K, log_sigma2)
    assert same.equal(torch.zeros(2, 5, dtype=torch.float64))


def test_gradients_of_the_divergence_reach_every_argument():
    arguments = [random(2, 3), random(2, 3, seed=1), random(2, 3, seed=2), random(3, 3, seed=3), random(3, seed=4)]
    arguments = [a.requires_grad_() for a in arguments]
    assert torch.autograd.gradcheck(gaussian_transition_kl, arguments)


def test_the_divergence_keeps_the_dtype():
    x = torch.zeros(4, 2)
    assert gaussian_transition_kl(x, x, x, torch.eye(2), torch.zeros(2)).dtype == torch.float32


GOOD = {"K": eye(2), "C": eye(2), "Sigma": eye(2), "n": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K": torch.zeros(2, 3)}, "K has shape \\(2, 3\\); expected a square matrix"),
        ({"K": torch.zeros(2, 2, 2)}, "K has shape"),
        ({"K": math.nan * eye(2)}, "K has a NaN"),
        ({"Sigma": torch.diag(matrix([1, -0.1]))}, "Sigma has the eigenvalue -0.1; expected a positive semi-definite"),
        ({"Sigma": matrix([[1, 0.5], [0.1, 1]])}, "Sigma is not symmetric"),
        ({"Sigma": eye(3)}, "Sigma has shape"),
        ({"Sigma": matrix([[1, 1], [1, 1]])}, "singular"),
        ({"Sigma": torch.zeros(2, 2)}, "singular"),
        ({"C": torch.diag(matrix([1, -0.1]))}, "C has the eigenvalue"),
        ({"C": eye(1)}, "C has shape"),
        ({"n": 0}, "n is 0; expected an integer >= 1"),
        ({"n": 1.5}, "n is 1.5"),
        ({"n": True}, "n is True"),
        ({"K": 1e200 * eye(2), "n": 3}, "exceeds float64"),
    ],
)
def test_bad_channels_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        linear_gaussian_mi(**(GOOD | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A": eye(2)}, "spectral radius 1"),
        ({"A": torch.zeros(2, 3)}, "square"),
        ({"E": eye(3)}, "E has shape"),
        ({"V": torch.zeros(2, 2)}, "V is singular"),
        ({"V": eye(1)}, "V has shape"),
        ({"Q": -eye(2)}, "Q has the eigenvalue"),
        ({"n": 0}, "n is 0"),
    ],
)
def test_bad_systems_are_refused(change, message):
    good = {"A": 0.5 * eye(2), "Q": eye(2), "E": eye(2), "V": eye(2), "n": 1}
    with pytest.raises(ValueError, match=message):
        information_decomposition(**(good | change))


def test_bad_divergences_are_refused():
    x = torch.zeros(4, 2)
    with pytest.raises(ValueError, match="logvar has shape"):
        gaussian_transition_kl(x, x[:1], x, torch.eye(2), torch.zeros(2))
    with pytest.raises(ValueError, match="one matrix for all latents"):
        gaussian_transition_kl(x, x, x, torch.eye(2).expand(4, 2, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="log_sigma2 has shape"):
        gaussian_transition_kl(x, x, x, torch.eye(2), torch.zeros(()))
    with pytest.raises(ValueError, match="NaN or infinite"):
        gaussian_transition_kl(x, x, x, torch.eye(2), torch.full((2,), -1e4))
    with pytest.raises(ValueError, match="NaN or infinite"):
        gaussian_transition_kl(x * math.nan, x, x, torch.eye(2), torch.zeros(2))


def test_a_hand_made_scalar_decomposition():
    """x' = x / 2 + N(0, 3/4) has variance one; z adds noise of variance one: correlations 1/4, and so on."""
    found = information_decomposition(*(matrix([[v]]) for v in (0.5, 0.75, 1, 1)))
    expected = (-0.5 * math.log(1 - 1 / 16), 0.5 * math.log((2 - 1 / 8) / 1.75), 0.5 * math.log(1.75))
    assert np.array(found[:3]).tolist() == pytest.approx(expected, abs=1e-12)
    assert found.total.item() == pytest.approx(0.5 * math.log(2))
