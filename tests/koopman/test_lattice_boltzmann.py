"""The vortex street: its physics and dynamic modes, units, and three back ends that agree."""

import importlib.util
import math
import sys

import numpy as np
import pytest
import torch

from corelib.koopman import lattice_boltzmann
from corelib.koopman.dmd import dmd
from corelib.koopman.lattice_boltzmann import Flow, _equilibrium, strouhal_number, vortex_street, vorticity
from kernels.lattice_boltzmann.reference import DIRECTIONS

pytestmark = pytest.mark.ch05
needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


@pytest.fixture(scope="module")
def street():
    return vortex_street(4000)


def test_equilibrium_has_the_density_and_the_momentum_that_it_was_made_of():
    density, velocity = np.array([1.1, 0.9]), np.array([[0.1, -0.05], [0.02, 0.15]])
    populations = _equilibrium(density, velocity)
    np.testing.assert_allclose(populations.sum(0), density, atol=1e-15)
    np.testing.assert_allclose(DIRECTIONS.T @ populations / density, velocity, atol=1e-15)


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


def test_dynamic_modes_of_the_street_turn_without_decay_at_a_frequency_and_its_harmonics(street):
    x = street.velocity[120:250].flatten(1)
    found = dmd(x[:-1], x[1:], rank=11)
    lasting = found.frequencies(street.frame_time)[:7]  # the mean flow and three pairs; the next are weak
    assert found.eigenvalues[:7].abs().numpy() == pytest.approx(1, abs=1e-3)
    first, second, third = lasting.sort().values[4:].tolist()
    assert first == pytest.approx(0.175, abs=0.01)
    assert second / first == pytest.approx(2, rel=0.01) and third / first == pytest.approx(3, rel=0.01)


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
def test_numba_and_torch_agree_up_to_rounding():
    a, b = (vortex_street(64, nx=64, ny=32, diameter=6, backend=name) for name in ("numba", "torch"))
    for name in ("velocity", "probe", "mass"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=1e-12, rtol=0)


def test_triton_agrees_up_to_the_rounding_of_single_precision(monkeypatch):
    pytest.importorskip("triton")
    from kernels.lattice_boltzmann import kernel

    monkeypatch.setattr(kernel, "BLOCK", 1024)  # the interpreter pays by the block
    a, b = (vortex_street(12, nx=48, ny=20, diameter=5, every=4, backend=name) for name in ("triton", "torch"))
    for name in ("velocity", "probe", "mass"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=1e-5, rtol=0)
    assert torch.equal(a.obstacle, b.obstacle)


def test_without_numba_torch_steps_in_and_a_missing_back_end_by_name_is_refused(monkeypatch):
    monkeypatch.setattr(lattice_boltzmann.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "corelib.koopman.compiled", None)  # importing it would fail
    assert isinstance(vortex_street(2, every=2), Flow)
    with pytest.raises(ModuleNotFoundError, match=r"backend='auto', or install it: pip install .*\[fast\]"):
        vortex_street(2, every=2, backend="numba")
    with pytest.raises(ModuleNotFoundError, match="triton is not installed; use backend='auto'"):
        vortex_street(2, every=2, backend="triton")


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
        ({"backend": "cuda"}, "backend is 'cuda'; expected 'auto', 'numba', 'torch' or 'triton'"),
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
