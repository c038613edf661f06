"""One answer from every back end, and a library that works, and imports little, without the optional ones."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corelib.information.neighbors.backends import BACKENDS, resolve
from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.discrete_target import ross_mi
from corelib.information.neighbors.ksg import ksg_mi
from corelib.information.neighbors.search import joint_neighbors

pytestmark = pytest.mark.ch02


def pairs(n, dims, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    if levels:
        return tuple(rng.integers(0, levels, (n, d)) / 1.0 for d in dims)
    x, y = (rng.standard_normal((n, d)) for d in dims)
    y[:, 0] += 2 * x[:, 0]
    return x, y


def assert_equal(x, y, k, backends):
    """Radii bit for bit and counts as integers, as the first back end finds them."""
    found = []
    for backend in backends:
        near = joint_neighbors(x, y, k, backend)
        counts = [count_within(v, near.eps, backend=backend) for v in (x, y)]
        counts += [
            count_within(v, reach, strict=False, backend=backend) for v, reach in ((x, near.eps_x), (y, near.eps_y))
        ]
        found.append([near.eps, near.eps_x, near.eps_y, *counts])
    for backend, other in zip(backends[1:], found[1:], strict=True):
        for name, a, b in zip(("eps", "eps_x", "eps_y", "n_x", "n_y", "m_x", "m_y"), found[0], other, strict=True):
            assert np.array_equal(a, b), f"{name} of {backend} and {backends[0]}"


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_auto_takes_the_compiled_one_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert [resolve("auto", d) for d in (2, 8, 9, 100)] == ["numba"] * 4
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert [resolve("auto", d) for d in (2, 8, 9, 100)] == ["tree", "tree", "torch", "torch"]
    assert [resolve(name, 3) for name in ("tree", "torch", "triton")] == ["tree", "torch", "triton"]
    with pytest.raises(ModuleNotFoundError, match=r"backend is 'numba', but numba is not installed.*pip install"):
        resolve("numba", 3)


@pytest.mark.parametrize("name", ["cuda", "", None, "Numba"])
def test_an_unknown_back_end_is_met_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"backend is .*; expected one of .*'numba', 'tree', 'torch', 'triton'"):
        resolve(name, 2)


def test_every_name_is_documented():
    assert resolve.__module__ and all(f'"{name}"' in sys.modules[resolve.__module__].__doc__ for name in BACKENDS[1:])


@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (12, 1), (6, 6)], ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_back_ends_agree_on_a_density(dims, offset):
    x, y = pairs(333, dims)
    assert_equal(x + offset, y, 4, ("tree", "numba", "torch"))


@given(
    st.integers(0, 9999),
    st.integers(2, 60),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 9),
)
def test_back_ends_agree_on_grids(seed, n, d_x, d_y, levels, k):
    x, y = pairs(n, (d_x, d_y), seed, levels)
    assert_equal(x, y, min(k, n - 1), ("tree", "numba", "torch"))


@pytest.mark.parametrize("levels", [None, 3], ids=["density", "grid"])
@pytest.mark.parametrize("dims", [(1, 1), (3, 2)], ids=str)
def test_the_kernel_agrees(dims, levels):
    pytest.importorskip("triton")
    x, y = pairs(96, dims, 1, levels)
    assert_equal(x, y, 3, ("tree", "triton"))


@pytest.mark.parametrize("backend", ["tree", "torch", "triton"])
@pytest.mark.parametrize("variant", [1, 2])
def test_estimates_are_equal_to_the_last_bit(backend, variant):
    if backend == "triton":
        pytest.importorskip("triton")
    x, y = pairs(96, (2, 1))
    wanted = ksg_mi(x, y, variant=variant, backend="numba")
    assert np.array_equal(ksg_mi(x, y, variant=variant, backend=backend).local, wanted.local)


@pytest.mark.parametrize("backend", ["tree", "torch"])
def test_ross_is_equal_to_the_last_bit(backend):
    x, y = pairs(200, (3, 1))
    labels = (y[:, 0] > 0).astype(int)
    wanted = ross_mi(x, labels, backend="numba").local
    assert np.array_equal(ross_mi(x, labels, backend=backend).local, wanted)


def test_importing_the_estimators_loads_none_of_the_back_ends():
    heavy = ("numba", "sklearn.neighbors", "triton", "llvmlite")
    assert run(f"import sys, corelib.information; print([m for m in {heavy} if m in sys.modules])") == "[]"


def test_without_numba_the_answers_are_the_same():
    script = (
        "import sys\n"
        "sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from corelib.information import kl_mi, ksg_mi\n"
        "rng = np.random.default_rng(0)\n"
        "x = rng.standard_normal((150, 6))\n"
        "y = x + rng.standard_normal((150, 6))\n"
        "print(ksg_mi(x[:, :2], y[:, :1]).value.hex(), ksg_mi(x, y).value.hex(), kl_mi(x[:, :1], y[:, :1]).value)\n"
        "try:\n"
        "    ksg_mi(x, y, backend='numba')\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    numbers, advice = run(script).split("\n")
    low, high, weighted = numbers.split()
    from corelib.information.neighbors.kozachenko import kl_mi

    rng = np.random.default_rng(0)
    x = rng.standard_normal((150, 6))
    y = x + rng.standard_normal((150, 6))
    assert low == ksg_mi(x[:, :2], y[:, :1], backend="numba").value.hex()
    assert high == ksg_mi(x, y, backend="numba").value.hex()
    assert float(weighted) == pytest.approx(kl_mi(x[:, :1], y[:, :1], backend="numba").value, abs=1e-9)
    assert "numba is not installed" in advice and "bottleneck-course[fast]" in advice
