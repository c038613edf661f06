"""Chapter 5's benchmark on small sizes: its peers compute what we compute; nothing here is timed."""

import numpy as np
import pytest

from benchmarks import koopman

pytestmark = pytest.mark.ch05


@pytest.mark.parametrize("provider", [koopman.PYDMD, koopman.DEEPTIME])
@pytest.mark.parametrize("size", [(300, 40), (40, 300)])
def test_peers_find_our_eigenvalues_of_the_waves(provider, size):
    pytest.importorskip(provider.lower())
    series = koopman.waves_in_noise(*size)
    assert series.shape == (size[0] + 1, size[1])
    ours, theirs = koopman.fit_dmd(koopman.OURS, series), koopman.fit_dmd(provider, series)
    koopman.require_same(ours, theirs, 1e-10, provider)
    with pytest.raises(AssertionError, match=f"eigenvalues of {provider} differ from ours by 1.0e-03"):
        koopman.require_same(ours, 1.001 * theirs, 1e-10, provider)


def test_the_waves_show_seven_pairs_of_eigenvalues_near_the_circle():
    found = koopman.fit_dmd(koopman.OURS, koopman.waves_in_noise(2000, 100))
    angles = np.sort(np.angle(found)[np.angle(found) > 0])
    assert angles == pytest.approx(np.linspace(0.1, 2.5, 7), abs=1e-3)
    assert np.abs(found) == pytest.approx(1, abs=5e-3)


def test_a_missing_eigenvalue_is_noticed_on_either_side():
    few, all_of_them = np.array([1.0, 0.5]), np.array([1.0, 0.5, 0.2])
    for pair in ((few, all_of_them), (all_of_them, few)):
        with pytest.raises(AssertionError, match="differ"):
            koopman.require_same(*pair, 1e-10, "a peer")


def test_edmd_is_checked_against_deeptime_before_it_is_timed():
    pytest.importorskip("deeptime")
    rows = koopman.bench_edmd((2000,), 1)
    assert [row["metric"] for row in rows] == ["CPU time", "CPU time", "ratio to ours"] * 2
    assert rows[2]["config"].startswith("target 1x: ") and rows[5]["config"] == "not to the same digits"


def test_streets_in_plain_numpy_and_in_the_library_are_the_same():
    expected = koopman.numpy_street(40, 64, 32)
    assert expected.shape == (2, 32, 64) and np.abs(expected[1]).max() > 0.1
    for backend in ("numba", "torch"):
        if backend == "numba":
            pytest.importorskip("numba")
        assert koopman.our_street(backend, 40, 64, 32) == pytest.approx(expected, abs=1e-12)


def test_speeds_come_with_a_ratio_and_the_default_back_end_with_a_target():
    pytest.importorskip("numba")
    rows = koopman.bench_lattice(((64, 32),), 2048 * 20, 1)
    ratios = {row["provider"]: row["config"] for row in rows if row["metric"] == "ratio to NumPy"}
    assert {"corelib, numba", "corelib, torch"} <= set(ratios)
    assert ratios["corelib, numba"].startswith("target 3x: ") and ratios["corelib, torch"] == ""
