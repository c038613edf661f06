"""The vortex street: its table by hand, viscosity of a decaying wave, physics of the wake, two equal back ends."""

import importlib.util
import math

import numpy as np
import pytest
import torch

from corelib.koopman import lattice_boltzmann
from corelib.koopman.lattice_boltzmann import (
    DIRECTIONS,
    OPPOSITE,
    WEIGHTS,
    Flow,
    _equilibrium,
    _sources,
    _torch_advance,
    strouhal_number,
    vortex_street,
    vorticity,
)

pytestmark = pytest.mark.ch05
needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


@pytest.fixture(scope="module")
def street():
    return vortex_street(4000)


def test_the_nine_directions_are_isotropic_up_to_fourth_order():
    np.testing.assert_array_equal(DIRECTIONS[OPPOSITE], -DIRECTIONS)
    assert WEIGHTS.sum() == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(np.einsum("i,ia,ib->ab", WEIGHTS, DIRECTIONS, DIRECTIONS), np.eye(2) / 3, atol=1e-15)
    fourth = np.einsum("i,ia,ib,ic,id->abcd", WEIGHTS, *[DIRECTIONS] * 4)
    assert fourth[0, 0, 0, 0] == pytest.approx(1 / 3) and fourth[0, 0, 1, 1] == pytest.approx(1 / 9)


def test_equilibrium_has_the_density_and_the_momentum_that_it_was_made_of():
    density, velocity = np.array([1.1, 0.9]), np.array([[0.1, -0.05], [0.02, 0.15]])
    populations = _equilibrium(density, velocity)
    np.testing.assert_allclose(populations.sum(0), density, atol=1e-15)
    np.testing.assert_allclose(DIRECTIONS.T @ populations / density, velocity, atol=1e-15)


def test_populations_hop_one_cell_and_turn_back_at_the_solid():
    solid = np.zeros((5, 6), dtype=bool)
    solid[2, 3] = True
    table = _sources(solid).reshape(9, 5, 6)
    assert table[1, 2, 2] == 1 * 30 + 2 * 6 + 1  # from the left neighbour
    assert table[2, 0, 2] == 2 * 30 + 4 * 6 + 2  # from the other edge: upper and lower are joined
    assert table[3, 2, 2] == 1 * 30 + 2 * 6 + 2  # what went right into the solid comes back left
    assert table[1, 2, 3] == 30 + 2 * 6 + 3  # within the solid nothing moves
    assert table[3, 1, 5] == table[3, 1, 4] == 3 * 30 + 6 + 5  # the open end


def test_a_shear_wave_decays_with_the_viscosity():
    ny, nx, rate, steps = 32, 8, 1 / 0.8, 100
    wave = 0.01 * np.cos(2 * np.pi * np.arange(ny) / ny)[:, None].repeat(nx, 1)
    velocity = np.stack([wave, 0 * wave]).reshape(2, -1)
    f = torch.from_numpy(_equilibrium(np.ones(ny * nx), velocity))
    # A closed box of fluid: without inlet or outlet the table of an empty box must wrap around.
    table = np.stack(
        [
            i * ny * nx + np.roll(np.arange(ny * nx).reshape(ny, nx), (down, right), (0, 1)).ravel()
            for i, (right, down) in enumerate(DIRECTIONS)
        ]
    )
    inner = np.arange(nx) < nx - 1
    ours = _sources(np.zeros((ny, nx), dtype=bool)).reshape(9, ny, nx)
    np.testing.assert_array_equal(ours[:, :, inner], table.reshape(9, ny, nx)[:, :, inner])
    for _ in range(steps):  # the wave does not vary along the flow, so the first column is any other
        inlet = f.flatten()[torch.from_numpy(table)][:, ::nx]
        f, _ = _torch_advance(f, torch.from_numpy(table), inlet, rate, 1, nx, 3)
    left = float((DIRECTIONS[:, 0] @ f.numpy()).reshape(ny, nx)[0, 3] / 0.01)
    viscosity = (0.8 - 0.5) / 3
    assert left == pytest.approx(math.exp(-viscosity * (2 * math.pi / ny) ** 2 * steps), rel=0.01)


def test_the_street_has_the_shape_and_the_units_that_it_promises(street):
    assert street.velocity.shape == (250, 2, 32, 64) and street.velocity.dtype == torch.float64
    assert street.probe.shape == (4000,) and street.obstacle.shape == (64, 128)
    assert street.frame_time == pytest.approx(0.3) and street.step_time == pytest.approx(0.15 / 8)
    assert street.velocity[:, 0, :, 0].mean() == pytest.approx(1, abs=0.02)  # the inflow is the unit
    pooled = street.obstacle.double().reshape(32, 2, 64, 2).mean((1, 3))
    assert (street.velocity[:, :, pooled == 1] == 0).all() and (pooled == 1).sum() >= 4


def test_the_street_keeps_its_mass(street):
    assert ((street.mass - 1).abs() < 0.01).all()
    assert ((street.mass[62:] - street.mass[:-62]).abs() < 0.01).all()  # 992 steps


def test_vortices_are_shed_at_the_strouhal_number_and_grow_out_of_nothing(street):
    assert strouhal_number(street.probe[2000:], street.step_time) == pytest.approx(0.175, abs=0.01)
    early, late = street.probe[:500].std(), street.probe[2000:].std()
    assert early < 0.08 and late > 6 * early
    middle, end = street.probe[2000:3000].std(), street.probe[3000:].std()
    assert end == pytest.approx(float(middle), rel=0.1)  # saturated


def test_dynamic_modes_of_the_street_are_a_frequency_and_its_harmonics(street):
    x = street.velocity[120:].flatten(1)
    x = (x - x.mean(0)).T
    u, s, v = torch.linalg.svd(x[:, :-1], full_matrices=False)
    eigenvalues = torch.linalg.eigvals(u[:, :11].T @ x[:, 1:] @ v[:11].T / s[:11])
    lasting = eigenvalues[(eigenvalues.abs() > 0.995) & (eigenvalues.imag > 0)]
    frequencies = (lasting.angle() / (2 * math.pi * street.frame_time)).sort().values
    assert frequencies[0] == pytest.approx(0.175, abs=0.01)
    assert float(frequencies[1] / frequencies[0]) == pytest.approx(2, rel=0.01)


def test_a_slow_flow_forgets_its_disturbance():
    probe = vortex_street(1600, reynolds=30, every=1600).probe
    assert probe[1200:].std() < 0.5 * probe[:400].std()


def test_disturbances_differ_by_their_phase_and_vanish_without_amplitude():
    a, b = (vortex_street(16, phase=p).velocity for p in (0.0, 1.0))
    assert (a - b).abs().max() > 1e-3
    assert vortex_street(16, amplitude=0.0).velocity[0, 1, :, 40:].abs().max() < 1e-12  # too early to have got there


def test_a_symmetric_start_stays_symmetric_until_rounding_grows():
    along, across = vortex_street(500, amplitude=0.0, every=500, pool=1).velocity[0]
    mirror = (-torch.arange(64)) % 64  # upper and lower edges are joined: the middle of the cylinder is an axis
    assert across.abs().max() > 0.1
    torch.testing.assert_close(along[mirror], along, atol=1e-10, rtol=0)
    torch.testing.assert_close(across[mirror], -across, atol=1e-10, rtol=0)


@needs_numba
def test_the_back_ends_agree_up_to_rounding():
    a, b = (vortex_street(64, nx=64, ny=32, diameter=6, backend=name) for name in ("numba", "torch"))
    for name in ("velocity", "probe", "mass"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=1e-12, rtol=0)


def test_without_numba_torch_steps_in_and_numba_by_name_is_refused(monkeypatch):
    monkeypatch.setattr(lattice_boltzmann.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(lattice_boltzmann, "_numba_advance", None)
    assert isinstance(vortex_street(2, every=2), Flow)
    with pytest.raises(ModuleNotFoundError, match="backend='auto'"):
        vortex_street(2, every=2, backend="numba")


def test_vorticity_of_a_rigid_rotation_is_twice_its_rate_and_of_a_strain_zero():
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    torch.testing.assert_close(vorticity(torch.stack([-0.3 * y, 0.3 * x])), torch.full((5, 7), 0.6))
    torch.testing.assert_close(vorticity(torch.stack([x, -y])[None]), torch.zeros(1, 5, 7))
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 2, H, W\)"):
        vorticity(torch.zeros(3, 4, 4))


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_frequency_between_the_lines_is_found(offset):
    time = 0.1 * torch.arange(500, dtype=torch.float64)
    wave = offset + torch.sin(2 * math.pi * 0.3137 * time) + 0.2 * torch.sin(2 * math.pi * 1.1 * time)
    assert strouhal_number(wave, 0.1) == pytest.approx(0.3137, abs=5e-4)


@pytest.mark.parametrize("signal", [torch.ones(50), torch.zeros(50), torch.arange(9.0), torch.full((50,), math.nan)])
def test_signals_without_a_frequency_are_refused(signal):
    with pytest.raises(ValueError, match="signal"):
        strouhal_number(signal, 1.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reynolds": 0}, "reynolds is 0"),
        ({"inflow": 0.5}, "inflow is 0.5"),
        ({"diameter": 3}, "diameter is 3"),
        ({"diameter": 17}, "diameter is 17"),
        ({"pool": 3}, "pool is 3"),
        ({"every": 0}, "every is 0"),
        ({"every": 41}, "n_steps is 40"),
        ({"backend": "cuda"}, "backend is 'cuda'"),
        ({"reynolds": math.nan}, "reynolds is nan"),
        ({"amplitude": math.nan}, "amplitude is nan"),
        ({"phase": math.inf}, "phase is inf"),
    ],
)
def test_bad_arguments_are_refused_by_name(wrong, message):
    with pytest.raises(ValueError, match=message):
        vortex_street(40, **wrong)


def test_a_flow_too_fast_for_its_cells_is_noticed():
    with pytest.raises(ValueError, match="more cells a diameter"):
        vortex_street(2000, reynolds=1e6, amplitude=1.0, nx=64, ny=32, every=100, inflow=0.2)
