"""The reference and the Triton kernel (in its interpreter) against a slow loop over cells, and known physics."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from kernels.lattice_boltzmann import reference, stream_and_collide
from kernels.lattice_boltzmann.reference import DIRECTIONS, OPPOSITE, WEIGHTS

pytestmark = pytest.mark.ch05
BOTH = pytest.mark.parametrize("backend", ["torch", "triton"])
W = torch.from_numpy(WEIGHTS)
BLOCKING = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "triton" or name.startswith("triton."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def case(ny, nx, solid=0.2, seed=0, dtype=torch.float64):
    """Populations near rest, a random obstacle that touches every edge, and an uneven inlet."""
    generator = torch.Generator().manual_seed(seed)
    f = W[:, None, None] * (0.9 + 0.2 * torch.rand(9, ny, nx, generator=generator, dtype=torch.float64))
    inlet = W[:, None] * (0.9 + 0.2 * torch.rand(9, ny, generator=generator, dtype=torch.float64))
    return f.to(dtype), torch.rand(ny, nx, generator=generator) < solid, inlet.to(dtype)


def slow(f, obstacle, inlet, rate, steps):
    """One population of one cell at a time, in the words of the definition."""
    f, obstacle, inlet = f.double().numpy().copy(), obstacle.numpy(), inlet.double().numpy()
    _, ny, nx = f.shape
    for _ in range(steps):
        old, new = f, np.empty_like(f)
        for i, y, x in np.ndindex(*f.shape):
            right, down = DIRECTIONS[i]
            at = nx - 2 if right < 0 and x == nx - 1 else x
            if obstacle[y, at]:
                new[i, y, x] = old[i, y, at]
            elif obstacle[(y - down) % ny, (at - right) % nx]:
                new[i, y, x] = old[OPPOSITE[i], y, at]
            else:
                new[i, y, x] = old[i, (y - down) % ny, (at - right) % nx]
        new[:, :, 0] = inlet
        density = new.sum(0)
        u, v = (np.tensordot(DIRECTIONS[:, axis], new, 1) / density for axis in (0, 1))
        for i, (right, down) in enumerate(DIRECTIONS):
            along = right * u + down * v
            equilibrium = WEIGHTS[i] * density * (1 + 3 * along + 4.5 * along**2 - 1.5 * (u**2 + v**2))
            new[i] = (1 - rate) * new[i] + rate * equilibrium
        f = new
    return torch.from_numpy(f)


def test_the_nine_directions_are_isotropic_up_to_fourth_order():
    np.testing.assert_array_equal(DIRECTIONS[OPPOSITE], -DIRECTIONS)
    assert WEIGHTS.sum() == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(np.einsum("i,ia,ib->ab", WEIGHTS, DIRECTIONS, DIRECTIONS), np.eye(2) / 3, atol=1e-15)
    fourth = np.einsum("i,ia,ib,ic,id->abcd", WEIGHTS, *[DIRECTIONS] * 4)
    assert fourth[0, 0, 0, 0] == pytest.approx(1 / 3) and fourth[0, 0, 1, 1] == pytest.approx(1 / 9)


def test_populations_hop_one_cell_and_turn_back_at_the_solid():
    solid = torch.zeros(5, 6, dtype=torch.bool)
    solid[2, 3] = True
    table = reference.sources(solid)
    assert table[1, 2, 2] == 1 * 30 + 2 * 6 + 1  # from the left neighbour
    assert table[2, 0, 2] == 2 * 30 + 4 * 6 + 2  # from the other edge: upper and lower are joined
    assert table[3, 2, 2] == 1 * 30 + 2 * 6 + 2  # what went right into the solid comes back left
    assert table[1, 2, 3] == 30 + 2 * 6 + 3  # within the solid nothing moves
    assert table[3, 1, 5] == table[3, 1, 4] == 3 * 30 + 6 + 5  # the open end


@BOTH
@pytest.mark.parametrize(
    ("ny", "nx", "steps"), [(1, 3, 3), (2, 4, 1), (3, 3, 4), (7, 13, 1), (11, 9, 6), (5, 31, 3), (32, 16, 1)]
)
def test_steps_agree_with_a_loop_over_cells(backend, ny, nx, steps):
    f, obstacle, inlet = case(ny, nx)
    before = f.clone()
    found, across = stream_and_collide(f, obstacle, inlet, 1.7, steps=steps, backend=backend)
    assert found.shape == f.shape and found.dtype == torch.float64 and across.shape == (steps,)
    tolerance = 1e-13 if backend == "torch" else 2e-7 * math.sqrt(steps)  # populations are below 1/2
    torch.testing.assert_close(found, slow(f, obstacle, inlet, 1.7, steps), atol=tolerance, rtol=0)
    assert torch.equal(f, before)


@BOTH
def test_without_an_obstacle_and_all_solid_agree_with_the_loop_as_well(backend):
    for solid in (0.0, 1.1):
        f, obstacle, inlet = case(4, 6, solid)
        found, _ = stream_and_collide(f, obstacle, inlet, 0.6, steps=2, backend=backend)
        torch.testing.assert_close(found, slow(f, obstacle, inlet, 0.6, 2), atol=5e-7, rtol=0)


@pytest.mark.parametrize("block", [8, 1024])
def test_the_block_size_changes_nothing(monkeypatch, block):
    from kernels.lattice_boltzmann import kernel

    f, obstacle, inlet = case(3, 7, dtype=torch.float32)
    expected = stream_and_collide(f, obstacle, inlet, 1.7, steps=2, probe=(1, 2), backend="triton")
    monkeypatch.setattr(kernel, "BLOCK", block)
    found = stream_and_collide(f, obstacle, inlet, 1.7, steps=2, probe=(1, 2), backend="triton")
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


@BOTH
def test_meeting_changes_neither_mass_nor_momentum_of_a_cell(backend):
    f, obstacle, inlet = case(9, 10)
    met, hopped = (stream_and_collide(f, obstacle, inlet, rate, backend=backend)[0] for rate in (1.9, 1e-12))
    tolerance = 1e-11 if backend == "torch" else 5e-7
    assert (met - hopped).abs().max() > 1e-3
    torch.testing.assert_close(met.sum(0), hopped.sum(0), atol=tolerance, rtol=0)
    momenta = [torch.tensordot(torch.from_numpy(DIRECTIONS.T).double(), g, 1) for g in (met, hopped)]
    torch.testing.assert_close(*momenta, atol=tolerance, rtol=0)


@BOTH
def test_the_probe_sees_the_transverse_velocity_of_its_cell_in_every_step(backend):
    f, obstacle, inlet = case(5, 7, dtype=torch.float32)
    obstacle[2, 4] = False
    _, across = stream_and_collide(f, obstacle, inlet, 1.5, steps=3, probe=(2, 4), backend=backend)
    for step in range(3):
        f, _ = stream_and_collide(f, obstacle, inlet, 1.5, backend=backend)
        velocity = torch.from_numpy(DIRECTIONS[:, 1]).float() @ f[:, 2, 4] / f[:, 2, 4].sum()
        assert across[step] == pytest.approx(float(velocity), abs=5e-7)


@BOTH
def test_rounding_to_single_precision_adds_mass_as_often_as_it_takes(monkeypatch, backend):
    if backend == "triton":
        from kernels.lattice_boltzmann import kernel

        monkeypatch.setattr(kernel, "BLOCK", 8192)  # one block for the interpreter
    f, obstacle, inlet = case(64, 128, 0.0, dtype=torch.float32)
    single, _ = stream_and_collide(f, obstacle, inlet, 1.9, backend=backend)
    double, _ = stream_and_collide(f.double(), obstacle, inlet.double(), 1.9, backend="torch")
    # Rounding at random is about 3e-8 / sqrt(8192) = 3e-10 in the mean; a rounded 1/36 adds 1.9 times 7e-9.
    assert (single.double() - double).sum(0).mean().abs() < 3e-9


def test_a_shear_wave_decays_with_the_viscosity():
    ny, rate, steps = 32, 1 / 0.8, 100
    u = 0.01 * torch.cos(2 * math.pi * torch.arange(ny, dtype=torch.float64) / ny)
    along = torch.from_numpy(DIRECTIONS[:, :1]) * u
    f = (W[:, None] * (1 + 3 * along + 4.5 * along**2 - 1.5 * u**2))[:, :, None].expand(9, ny, 5)
    no_obstacle = torch.zeros(ny, 5, dtype=torch.bool)
    for _ in range(steps):  # the wave does not vary along the flow, so what comes in is what goes on everywhere
        inlet = torch.stack([f[i, :, 1].roll(down) for i, down in enumerate(DIRECTIONS[:, 1].tolist())])
        f, _ = stream_and_collide(f, no_obstacle, inlet, rate)
    left = float(torch.from_numpy(DIRECTIONS[:, 0]).double() @ f[:, 0, 3]) / 0.01
    viscosity = (1 / rate - 0.5) / 3
    assert left == pytest.approx(math.exp(-viscosity * (2 * math.pi / ny) ** 2 * steps), rel=0.01)


def test_single_precision_is_off_by_a_hundred_thousandth_of_the_inflow_after_500_steps():
    inflow, ny, nx = 0.15, 32, 64
    along = inflow * torch.from_numpy(DIRECTIONS[:, 0])
    one = W * (1 + 3 * along + 4.5 * along**2 - 1.5 * inflow**2)
    f, obstacle = one[:, None, None].expand(9, ny, nx).clone(), torch.zeros(ny, nx, dtype=torch.bool)
    obstacle[13:19, 10:16] = True
    f[:, obstacle] = W[:, None]
    single, double = (
        stream_and_collide(f.to(d), obstacle, one[:, None].expand(9, ny).to(d), 1.8, steps=500)[0].double()
        for d in (torch.float32, torch.float64)
    )
    velocities = [torch.tensordot(torch.from_numpy(DIRECTIONS.T).double(), g, 1) / g.sum(0) for g in (single, double)]
    torch.testing.assert_close(*velocities, atol=1e-5 * inflow, rtol=0)


@BOTH
def test_strided_populations_are_read_rightly(backend):
    f, obstacle, inlet = case(6, 5, dtype=torch.float32)
    strided = f.permute(2, 1, 0).contiguous().permute(2, 1, 0), obstacle.T.contiguous().T, inlet.T.contiguous().T
    assert not strided[0].is_contiguous()
    expected, _ = stream_and_collide(f, obstacle, inlet, 1.2, backend=backend)
    found, _ = stream_and_collide(*strided, 1.2, backend=backend)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-7, rtol=0)


@BOTH
def test_a_flow_that_overflows_is_noticed(backend):
    f, obstacle, inlet = case(2, 4)
    f[1] += 100.0
    with pytest.raises(ValueError, match="flow overflows within 4 steps"):
        stream_and_collide(f, obstacle, inlet, 1.99, steps=4, backend=backend)


CALL = """
import torch
from kernels.lattice_boltzmann import stream_and_collide as f
a = torch.full((9, 2, 3), 0.1), torch.zeros(2, 3, dtype=torch.bool), torch.full((9, 2), 0.1), 1.0
assert f(*a)[0].shape == (9, 2, 3)
try: f(*a, backend="triton")
except (ModuleNotFoundError, ValueError) as error: print(error)
"""


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (BLOCKING + "import corelib.koopman", "triton is not installed; use backend='torch'"),
        ("", "the populations are on cpu; expected a CUDA device, another backend"),
    ],
)
def test_without_triton_or_a_gpu_the_reference_steps_in_and_asking_for_triton_says_so(before, message):
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    command = [sys.executable, "-c", before + CALL]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert message in done.stdout


GOOD = {
    "populations": torch.full((9, 4, 5), 0.1),
    "obstacle": torch.zeros(4, 5, dtype=torch.bool),
    "inlet": torch.full((9, 4), 0.1),
    "rate": 1.0,
}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"populations": torch.full((9, 20), 0.1)}, ValueError, r"populations has shape \(9, 20\)"),
        ({"populations": torch.full((8, 4, 5), 0.1)}, ValueError, r"populations has shape \(8, 4, 5\)"),
        ({"populations": torch.full((9, 4, 2), 0.1)}, ValueError, r"expected \(9, ny, nx\) with ny >= 1 and nx >= 3"),
        ({"populations": torch.full((9, 0, 5), 0.1)}, ValueError, r"populations has shape \(9, 0, 5\)"),
        ({"populations": torch.ones(9, 4, 5, dtype=torch.int64)}, TypeError, "populations has dtype torch.int64"),
        ({"populations": torch.ones(9, 4, 5).half()}, TypeError, "populations has dtype torch.float16"),
        ({"populations": torch.full((9, 4, 5), math.nan)}, ValueError, "populations holds NaN"),
        ({"populations": torch.full((9, 4, 5), math.inf)}, ValueError, "populations holds NaN"),
        ({"populations": torch.zeros(9, 4, 5)}, ValueError, "populations holds .* density <= 0"),
        ({"obstacle": torch.zeros(5, 4, dtype=torch.bool)}, ValueError, r"obstacle has shape \(5, 4\)"),
        ({"obstacle": torch.zeros(4, 5)}, TypeError, "obstacle has dtype torch.float32; expected bool"),
        ({"inlet": torch.full((9,), 0.1)}, ValueError, r"inlet has shape \(9,\); expected \(9, 4\)"),
        ({"inlet": torch.ones(9, 4).double()}, TypeError, "inlet has dtype torch.float64; expected torch.float32"),
        ({"inlet": torch.full((9, 4), math.nan)}, ValueError, "inlet holds NaN"),
        ({"rate": 0.0}, ValueError, r"rate is 0.0; expected a number in \(0, 2\)"),
        ({"rate": 2.0}, ValueError, "rate is 2.0"),
        ({"rate": math.nan}, ValueError, "rate is nan"),
        ({"steps": 0}, ValueError, "steps is 0; expected an integer >= 1"),
        ({"steps": 1.5}, TypeError, "steps is 1.5; expected an integer"),
        ({"steps": True}, TypeError, "steps is True; expected an integer"),
        ({"probe": (4, 0)}, ValueError, r"probe is \(4, 0\); expected a cell \(row, column\) of 4 x 5"),
        ({"probe": (0, -1)}, ValueError, r"probe is \(0, -1\)"),
        ({"probe": (0.5, 1)}, TypeError, r"probe\[0\] is 0.5"),
        ({"backend": "cuda"}, ValueError, "backend is 'cuda'"),
    ],
)
def test_bad_input_is_named(change, error, message):
    with pytest.raises(error, match=message):
        stream_and_collide(**(GOOD | change))


@pytest.mark.gpu
@pytest.mark.parametrize(("ny", "nx", "steps"), [(1, 3, 5), (33, 127, 100), (256, 512, 20)])
def test_the_kernel_on_a_gpu_is_right_and_deterministic(ny, nx, steps):
    f, obstacle, inlet = (t.cuda() for t in case(ny, nx, 0.05))
    probe = (ny // 2, nx // 2)
    found, again, exact = (
        stream_and_collide(f, obstacle, inlet, 1.5, steps=steps, probe=probe, backend=backend)
        for backend in ("auto", "triton", "torch")
    )
    assert torch.equal(found[0], again[0]) and torch.equal(found[1], again[1])
    torch.testing.assert_close(found[0], exact[0], atol=2e-6, rtol=0)
    torch.testing.assert_close(found[1], exact[1], atol=5e-6, rtol=0)
