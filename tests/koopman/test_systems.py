"""Generated systems: closed solutions, conserved quantities, SciPy as a peer, and pictures that show the rod."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from corelib.koopman.systems import (
    kuramoto_sivashinsky,
    kuramoto_sivashinsky_starts,
    lorenz63,
    lorenz63_starts,
    pendulum,
    pendulum_frames,
    pendulum_starts,
    slow_manifold,
    slow_manifold_flow,
)

pytestmark = pytest.mark.ch05


def lifted(states, bend):
    x, y = states.reshape(-1, 2).T
    return torch.stack([x, x**2, y - bend * x**2], 1)


@settings(max_examples=20, deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_eigenfunctions_of_the_slow_manifold_shrink_by_their_eigenvalues(x, y):
    start = torch.tensor([x, y], dtype=torch.float64)
    g = lifted(slow_manifold(start, 5), 1.0)
    factors = torch.tensor([0.9, 0.81, 0.5], dtype=torch.float64)
    torch.testing.assert_close(g[1:], g[:-1] * factors, atol=1e-12, rtol=0)
    g = lifted(slow_manifold_flow(start, 5), 10 / 9)
    factors = torch.exp(torch.tensor([-0.005, -0.01, -0.1], dtype=torch.float64))
    torch.testing.assert_close(g[1:], g[:-1] * factors, atol=1e-12, rtol=0)


def test_the_closed_flow_solves_its_equation():
    def velocity(_, s):
        return [-0.05 * s[0], -(s[1] - s[0] ** 2)]

    peer = solve_ivp(velocity, (0, 2), [0.7, -0.4], t_eval=np.linspace(0, 2, 21), rtol=1e-11, atol=1e-12).y.T
    np.testing.assert_allclose(slow_manifold_flow(torch.tensor([0.7, -0.4]).double(), 20), peer, atol=1e-7)


def test_lorenz_agrees_with_scipy_before_chaos_tells_them_apart():
    def velocity(_, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    ours = lorenz63(torch.tensor([1.0, 2.0, 20.0]), 50, substeps=16)
    peer = solve_ivp(velocity, (0, 1), [1, 2, 20], t_eval=np.linspace(0, 1, 51), rtol=1e-11, atol=1e-11).y.T
    np.testing.assert_allclose(ours, peer, atol=1e-4)


def test_lorenz_keeps_its_fixed_points_and_its_mirror():
    c = math.sqrt(72)
    fixed = torch.tensor([[c, c, 27.0], [-c, -c, 27.0], [0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(lorenz63(fixed, 20), fixed[:, None].expand(3, 21, 3), atol=1e-9, rtol=0)
    start = torch.tensor([1.0, 2.0, 20.0])
    mirror = torch.tensor([-1.0, -1.0, 1.0]).double()
    torch.testing.assert_close(lorenz63(start * mirror, 30), lorenz63(start, 30) * mirror, atol=0, rtol=0)


def test_a_frictionless_pendulum_keeps_its_energy_and_a_damped_one_loses_it():
    start = pendulum_starts(50, rng=0)

    def energy(path):
        return path[..., 1] ** 2 / 2 - 9.81 * torch.cos(path[..., 0])

    free = energy(pendulum(start, 30))
    torch.testing.assert_close(free, free[:, :1].expand_as(free), atol=1e-4, rtol=0)
    assert (energy(pendulum(start, 30, damping=0.5)).diff(dim=1) < 1e-4).all()


def test_a_small_swing_has_the_period_of_a_harmonic_oscillator():
    path = pendulum(torch.tensor([1e-3, 0.0]).double(), 40, dt=0.05)
    time = 0.05 * torch.arange(41, dtype=torch.float64)
    torch.testing.assert_close(path[:, 0], 1e-3 * torch.cos(math.sqrt(9.81) * time), atol=1e-8, rtol=0)


def test_frames_show_the_rod_where_it_hangs():
    angles = torch.tensor([0.0, math.pi / 2, math.pi, -math.pi / 2])
    frames = pendulum_frames(torch.stack([angles, torch.zeros(4)], 1), size=15)
    assert frames.shape == (3, 2, 15, 15) and frames.min() >= 0 and frames.max() <= 1
    torch.testing.assert_close(frames[:-1, 1], frames[1:, 0])  # the second of a pair is the first of the next
    shown = torch.cat([frames[:, 0], frames[-1:, 1]])
    for picture, (row, column) in zip(shown, [(12, 7), (7, 12), (2, 7), (7, 2)], strict=True):
        assert picture[row, column] > 0.99 and picture[14 - row, 14 - column] < 1e-6
    torch.testing.assert_close(shown[1], shown[0].T, atol=1e-6, rtol=0)
    torch.testing.assert_close(shown[2], shown[0].flip(0), atol=1e-6, rtol=0)


def test_flame_fronts_converge_in_fourth_order():
    start = kuramoto_sivashinsky_starts(1, rng=0)
    exact = kuramoto_sivashinsky(start, 8, substeps=64)
    errors = [float((kuramoto_sivashinsky(start, 8, substeps=s) - exact).abs().max()) for s in (1, 8, 16)]
    assert errors[0] < 1e-3
    assert 9 < errors[1] / errors[2] < 17  # towards 16 as the steps shrink; third order would be 8


def test_flame_fronts_agree_with_scipy():
    start = kuramoto_sivashinsky_starts(1, rng=1, points=32)[0]
    wave = 2 * np.pi / 22 * np.arange(17)

    def velocity(_, u):
        spectrum, square = np.fft.rfft(u), np.fft.rfft(u**2)
        flux = -0.5j * wave * square
        flux[-1] = 0
        return np.fft.irfft((wave**2 - wave**4) * spectrum + flux, 32)

    peer = solve_ivp(velocity, (0, 2), start.numpy(), method="BDF", t_eval=[2], rtol=1e-9, atol=1e-10).y[:, -1]
    np.testing.assert_allclose(kuramoto_sivashinsky(start, 8, substeps=8)[-1], peer, atol=1e-6)


def test_flame_fronts_conserve_their_mean_and_do_not_care_where_the_circle_begins():
    start = kuramoto_sivashinsky_starts(2, rng=0) + torch.tensor([[0.0], [0.3]])
    path = kuramoto_sivashinsky(start, 40)
    torch.testing.assert_close(path[0].mean(-1), torch.zeros(41).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(path[1].mean(-1), torch.full((41,), 0.3).double(), atol=1e-7, rtol=0)
    shifted = kuramoto_sivashinsky(start.roll(5, -1), 40)
    torch.testing.assert_close(shifted, path.roll(5, -1), atol=1e-9, rtol=0)


@pytest.mark.parametrize("starts", [lorenz63_starts, pendulum_starts, kuramoto_sivashinsky_starts])
def test_starts_follow_their_seed(starts):
    assert torch.equal(starts(2, rng=3), starts(2, rng=np.random.default_rng(3)))
    assert not torch.equal(starts(2, rng=3), starts(2, rng=4))
    with pytest.raises(ValueError, match="n is 0"):
        starts(0, rng=0)


def test_starts_lie_on_the_attractors():
    points = lorenz63_starts(20, rng=0)
    assert points[:, 0].abs().max() < 21 and points[:, 2].min() > 0 and points[:, 2].max() < 50
    assert 1.0 < kuramoto_sivashinsky_starts(4, rng=0).std() < 1.5


@pytest.mark.parametrize("flow", [slow_manifold, slow_manifold_flow, lorenz63, pendulum, kuramoto_sivashinsky])
def test_bad_arguments_are_refused_by_name(flow):
    good = torch.zeros({lorenz63: 3, kuramoto_sivashinsky: 8}.get(flow, 2))
    assert flow(good.expand(4, 5, -1), 3).shape == (4, 5, 4, len(good))
    with pytest.raises(ValueError, match="n_steps is 0"):
        flow(good, 0)
    with pytest.raises(ValueError, match="start holds NaN"):
        flow(good * math.nan, 1)
    with pytest.raises(ValueError, match="start has"):
        flow(torch.zeros(7), 1)


def test_steps_too_long_are_noticed():
    with pytest.raises(ValueError, match="overflow"):
        lorenz63(torch.tensor([1.0, 2.0, 20.0]), 50, dt=1.0, substeps=1)
    with pytest.raises(ValueError, match="dt is 0"):
        lorenz63(torch.ones(3), 5, dt=0)
    with pytest.raises(ValueError, match="substeps is 0"):
        pendulum(torch.ones(2), 5, substeps=0)
    with pytest.raises(ValueError, match="damping is -1"):
        pendulum(torch.ones(2), 5, damping=-1)
    with pytest.raises(ValueError, match="length is 0"):
        kuramoto_sivashinsky(torch.zeros(8), 5, length=0)
    with pytest.raises(ValueError, match="twice mu"):
        slow_manifold_flow(torch.ones(2), 5, mu=-0.5, lam=-1.0)
    with pytest.raises(ValueError, match=r"T \+ 1, 2"):
        pendulum_frames(torch.ones(1, 2))
    with pytest.raises(ValueError, match="size is 3"):
        pendulum_frames(torch.ones(3, 2), size=3)
    with pytest.raises(ValueError, match="max_speed is 0"):
        pendulum_starts(3, rng=0, max_speed=0)
