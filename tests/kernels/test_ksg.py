"""The tiled reference and the Triton kernels (in their interpreter) against a dense brute force in NumPy, exactly."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.ksg import KsgNeighbors, ksg_neighbors, marginal_counts, reference

pytestmark = pytest.mark.ch02
BOTH = pytest.mark.parametrize("backend", ["torch", "triton"])
BLOCKING = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "triton" or name.startswith("triton."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def distances(x):
    return np.abs(x[:, None] - x[None]).max(2)


def brute_neighbors(x, y, k):
    in_x, in_y = distances(x.numpy()), distances(y.numpy())
    joint = np.maximum(in_x, in_y)
    np.fill_diagonal(joint, np.inf)
    nearest = np.argsort(joint, axis=1, kind="stable")[:, :k]
    joint, in_x, in_y = (np.take_along_axis(table, nearest, 1) for table in (joint, in_x, in_y))
    return joint[:, -1], in_x.max(1), in_y.max(1)


def brute_counts(x, radius, strict):
    table = distances(x.numpy())
    np.fill_diagonal(table, np.inf)
    radius = radius.numpy()[:, None]
    return ((table < radius) if strict else (table <= radius)).sum(1)


def assert_exact(x, y, k, neighbors, counts):
    """Distances equal bit for bit, and counts equal as integers at the radii where strictness decides."""
    found = neighbors(x, y, k)
    for ours, theirs in zip(found, brute_neighbors(x, y, k), strict=True):
        assert ours.dtype == x.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs)
    for samples, radius, strict in (
        (x, found[0], True),
        (y, found[0], True),
        (x, found[1], False),
        (y, found[2], False),
    ):
        ours = counts(samples, radius, strict)
        assert ours.dtype == torch.int64
        np.testing.assert_array_equal(ours.numpy(), brute_counts(samples, radius, strict))


def assert_public(x, y, k, backend):
    assert_exact(
        x,
        y,
        k,
        lambda x, y, k: ksg_neighbors(x, y, k, backend=backend),
        lambda x, radius, strict: marginal_counts(x, radius, strict=strict, backend=backend),
    )


def normal(n, dx, dy, dtype=torch.float64, seed=0):
    z = np.random.default_rng(seed).standard_normal((n, dx + dy))
    z[:, dx] += z[:, 0]
    return torch.tensor(z[:, :dx], dtype=dtype), torch.tensor(z[:, dx:], dtype=dtype)


def hard(kind, n=67):
    """Samples (x, y) on which a sloppy search or count goes wrong."""
    x, y = normal(n, 2, 2, seed=3)
    changes = {
        "integers": lambda: (x.round(), y.round()),
        "duplicates": lambda: (x[torch.arange(n) // 3], y[torch.arange(n) // 3]),
        "constant": lambda: (x, torch.full_like(y, 0.1)),
        "all equal": lambda: (torch.full_like(x, 7.0), torch.full_like(y, 0.1)),
        "offset": lambda: (x + 1e6, y - 1e6),
        "tiny": lambda: (x * 1e-8, y * 1e-8),
        "offset and tiny": lambda: (x * 1e-8 + 1e6, y * 1e-8 - 1e6),
        "huge": lambda: (x * 1e30, y * 1e30),
        "one outlier": lambda: (torch.cat([x[1:], torch.full_like(x[:1], 1e9)]), y),
        "sorted": lambda: (x.sort(0).values, y.sort(0).values),
    }
    return changes[kind]()


HARD = ["integers", "duplicates", "constant", "all equal", "offset", "tiny", "offset and tiny", "huge", "one outlier"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n, dx, dy, k", [(2, 1, 1, 1), (33, 1, 1, 2), (96, 2, 1, 3), (97, 3, 4, 4), (6, 1, 2, 5)])
@BOTH
def test_everything_equals_the_brute_force(backend, n, dx, dy, k, dtype):
    assert_public(*normal(n, dx, dy, dtype), k, backend)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", HARD)
@BOTH
def test_hard_samples_change_nothing(backend, kind, dtype):
    x, y = hard(kind)
    assert_public(x.to(dtype), y.to(dtype), 3, backend)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [*HARD, "sorted"])
def test_many_tiles_of_the_reference_are_exact(monkeypatch, kind, dtype):
    monkeypatch.setattr(reference, "_PENDING", 3000)  # several sorts, each of which tightens the bound
    x, y = hard(kind, n=601)
    assert_exact(
        x.to(dtype),
        y.to(dtype),
        2,
        lambda x, y, k: reference.ksg_neighbors(x, y, k, tile=128),
        lambda x, radius, strict: reference.marginal_counts(x, radius, strict, tile=128),
    )


@given(st.integers(2, 40), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_coarse_lattices_full_of_ties_are_exact(n, k, levels, seed):
    rng = np.random.default_rng(seed)
    x, y = (torch.tensor(rng.integers(0, levels + 1, (n, d)) / 10) for d in (1, 2))
    assert_public(x, y, min(k, n - 1), "torch")


@BOTH
def test_ties_go_to_the_smaller_index(backend):
    # Both others are at joint distance 1 of sample 0, but one is there in x and the other in y.
    x, y = torch.tensor([[0.0], [1.0], [0.0]]), torch.tensor([[0.0], [0.0], [1.0]])
    found = ksg_neighbors(x, y, 1, backend=backend)
    assert isinstance(found, KsgNeighbors)
    assert (found.eps[0], found.eps_x[0], found.eps_y[0]) == (1, 1, 0)
    swapped = ksg_neighbors(x[[0, 2, 1]], y[[0, 2, 1]], 1, backend=backend)
    assert (swapped.eps[0], swapped.eps_x[0], swapped.eps_y[0]) == (1, 0, 1)


@BOTH
def test_a_neighbour_on_the_border_is_counted_only_if_not_strict(backend):
    x = torch.tensor([[0.0], [1.0], [3.0], [3.0]], dtype=torch.float64)
    radius = torch.tensor([1.0, 2.0, 0.0, 5.0], dtype=torch.float64)
    assert marginal_counts(x, radius, backend=backend).tolist() == [0, 1, 0, 3]
    assert marginal_counts(x, radius, strict=False, backend=backend).tolist() == [1, 3, 1, 3]
    assert marginal_counts(x[:1], radius[:1], backend=backend).tolist() == [0]


def test_the_rounding_of_sums_does_not_move_a_border():
    # v + eps rounds up to the neighbour beyond, so a count by v +- eps would take it in; differences do not.
    x = torch.tensor([[1e6], [1e6 + 0.1], [1e6 - 0.1]], dtype=torch.float64)
    radius = (x[1] - x[0]).abs().expand(3)
    found = marginal_counts(x, radius).tolist()
    assert found == brute_counts(x, radius, True).tolist()
    assert found[0] == 0


@BOTH
def test_strided_samples_are_read_as_they_look(backend):
    x, y = normal(40, 2, 2)
    wide = torch.cat([x, y], 1)
    found = ksg_neighbors(wide[:, ::2], wide[:, 1::2], 2, backend=backend)
    same = ksg_neighbors(wide[:, ::2].contiguous(), wide[:, 1::2].contiguous(), 2, backend="torch")
    assert all(torch.equal(a, b) for a, b in zip(found, same, strict=True))


def test_triton_absent_is_no_obstacle_and_asking_for_it_says_so():
    script = BLOCKING + (
        "import torch\n"
        "from kernels.ksg import ksg_neighbors\n"
        "x = torch.tensor([[0.0], [1.0], [3.0]])\n"
        "assert ksg_neighbors(x, x, 1).eps.tolist() == [1, 1, 2]\n"
        "try: ksg_neighbors(x, x, 1, backend='triton')\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "triton is not installed; use backend='torch'" in done.stdout


@pytest.mark.parametrize(
    "change, error, word",
    [
        ({"x": torch.ones(3)}, ValueError, r"x has shape \(3,\)"),
        ({"y": torch.ones(3, 0)}, ValueError, r"y has shape \(3, 0\)"),
        ({"x": torch.ones(3, 1, dtype=torch.int64)}, TypeError, "x has dtype torch.int64"),
        ({"y": torch.ones(3, 1, dtype=torch.float64)}, TypeError, "y has dtype torch.float64; expected torch.float32"),
        ({"y": torch.ones(4, 1)}, ValueError, "y has 4 samples; expected 3"),
        ({"x": torch.tensor([[0.0], [float("nan")], [1.0]])}, ValueError, "x holds NaN"),
        ({"y": torch.tensor([[-3e38], [3e38], [0.0]])}, ValueError, "y spans more than torch.float32 can hold"),
        ({"y": torch.ones(3, 1, device="meta")}, ValueError, "y is on meta"),
        ({"k": 3}, ValueError, "k is 3; expected an integer >= 1 and below the number of samples, 3"),
        ({"k": 0}, ValueError, "k is 0"),
        ({"k": 1.0}, TypeError, "k is 1.0"),
        ({"k": True}, TypeError, "k is True"),
        ({"backend": "cuda"}, ValueError, "backend is 'cuda'"),
    ],
)
def test_bad_input_of_the_search_is_named(change, error, word):
    with pytest.raises(error, match=word):
        ksg_neighbors(**({"x": torch.ones(3, 2), "y": torch.ones(3, 1), "k": 1} | change))


@pytest.mark.parametrize(
    "change, error, word",
    [
        ({"x": torch.ones(3)}, ValueError, r"x has shape \(3,\)"),
        ({"radius": torch.ones(2)}, ValueError, r"radius has shape \(2,\); expected \(3,\)"),
        ({"radius": torch.ones(3, dtype=torch.float64)}, TypeError, "radius has dtype torch.float64"),
        ({"radius": torch.tensor([1.0, -0.5, 1.0])}, ValueError, r"radius\[1\] is -0.5"),
        ({"radius": torch.tensor([1.0, 1.0, float("nan")])}, ValueError, r"radius\[2\] is nan"),
        ({"backend": "numba"}, ValueError, "backend is 'numba'"),
    ],
)
def test_bad_input_of_the_count_is_named(change, error, word):
    with pytest.raises(error, match=word):
        marginal_counts(**({"x": torch.ones(3, 2), "radius": torch.ones(3)} | change))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dx, dy, k", [(1, 1, 1), (4, 4, 3), (10, 10, 5), (300, 2, 3)])
def test_the_kernels_on_a_gpu_equal_the_reference_on_the_cpu(dx, dy, k, dtype):
    x, y = normal(5003, dx, dy, dtype)
    found = ksg_neighbors(x.cuda(), y.cuda(), k)
    for ours, theirs in zip(found, ksg_neighbors(x, y, k), strict=True):
        assert torch.equal(ours.cpu(), theirs)
    for strict in (True, False):
        counts = marginal_counts(x.cuda(), found.eps, strict=strict)
        assert torch.equal(counts.cpu(), marginal_counts(x, found.eps.cpu(), strict=strict))
