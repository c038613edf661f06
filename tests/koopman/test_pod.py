"""POD: orthonormal modes, projections, energies, and coefficients whose errors mean what errors of states mean."""

import pytest
import torch

from corelib.koopman.pod import fit_pod

pytestmark = pytest.mark.ch05


def snapshots(n=40, size=7, seed=0):
    """Rows with very different energies in different directions, and an offset."""
    x = torch.randn(n, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x * 0.5 ** torch.arange(size) + 1


@pytest.mark.parametrize(("n", "size", "rank"), [(40, 7, 3), (5, 33, 5), (7, 7, 7), (1, 4, 1), (9, 1, 1)])
def test_modes_are_orthonormal_for_tall_wide_and_single_snapshots(n, size, rank):
    modes = fit_pod(snapshots(n, size), rank).modes
    assert modes.shape == (size, rank) and modes.dtype == torch.float64
    torch.testing.assert_close(modes.T @ modes, torch.eye(rank, dtype=torch.float64), atol=1e-12, rtol=0)


def test_with_all_modes_nothing_is_lost():
    x = snapshots()
    pod = fit_pod(x, 7)
    torch.testing.assert_close(pod.lift(pod.project(x)), x)


def test_lifting_what_was_projected_is_the_orthogonal_projection():
    x = snapshots()
    pod = fit_pod(x, 3)
    projected = pod.lift(pod.project(x))
    torch.testing.assert_close(pod.lift(pod.project(projected)), projected)
    assert ((x - projected) @ pod.modes).abs().max() < 1e-12


def test_coefficients_come_back_from_their_states():
    pod = fit_pod(snapshots(), 3)
    c = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(pod.project(pod.lift(c)), c)


def test_a_mean_square_over_coefficients_is_that_of_the_projected_state():
    pod = fit_pod(snapshots(), 3)
    x = snapshots(11, seed=5)
    projected = pod.lift(pod.project(x))
    torch.testing.assert_close(pod.project(x).square().mean(), projected.square().mean())
    assert pod.scale == pytest.approx((3 / 7) ** 0.5)


def test_energies_are_shares_and_tell_what_the_projection_misses():
    x = snapshots()
    pod = fit_pod(x, 3)
    assert pod.energy.shape == (7,) and pod.energy.sum().item() == pytest.approx(1)
    assert (pod.energy.diff() <= 0).all()
    missed = (x - pod.lift(pod.project(x))).square().sum() / x.square().sum()
    assert missed.item() == pytest.approx(pod.energy[3:].sum().item(), rel=1e-9)


def test_no_other_directions_capture_more():
    x = snapshots()
    best = (x @ fit_pod(x, 2).modes).square().sum()
    for seed in range(20):
        other = torch.linalg.qr(torch.randn(7, 2, generator=torch.Generator().manual_seed(seed)).double())[0]
        assert (x @ other).square().sum() < best


def test_the_first_mode_of_a_strong_mean_is_that_mean():
    mean = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)
    noise = 1e-3 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mode = fit_pod(mean + noise, 1).modes[:, 0]
    torch.testing.assert_close(mode * mode[0].sign(), mean / 5, atol=1e-3, rtol=0)


def test_constant_snapshots_are_one_mode_with_all_the_energy():
    pod = fit_pod(torch.ones(6, 4), 1)
    torch.testing.assert_close(pod.energy, torch.tensor([1.0, 0, 0, 0], dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(pod.lift(pod.project(torch.ones(4))), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_the_snapshots_does_not_matter(unit):
    x = snapshots()
    pod, scaled = fit_pod(x, 3), fit_pod(unit * x, 3)
    torch.testing.assert_close(scaled.energy, pod.energy)
    torch.testing.assert_close(scaled.modes.abs(), pod.modes.abs())


def test_float32_snapshots_are_decomposed_in_float64():
    pod = fit_pod(snapshots().float(), 2)
    assert {pod.modes.dtype, pod.project(torch.ones(7)).dtype, pod.lift(torch.ones(2)).dtype} == {torch.float64}


@pytest.mark.parametrize(
    ("x", "rank", "message"),
    [
        (torch.ones(4), 1, r"x has shape \(4,\); expected finite values \(N, n\)"),
        (torch.ones(2, 4, 3), 1, r"x has shape \(2, 4, 3\)"),
        (torch.ones(0, 3), 1, r"x has shape \(0, 3\)"),
        (torch.tensor([[1.0, torch.nan]]), 1, "expected finite values"),
        (torch.tensor([[1.0, torch.inf]]), 1, "expected finite values"),
        (torch.zeros(4, 3), 1, "x is zero throughout"),
        (torch.ones(4, 3), 0, "rank is 0; expected an integer >= 1"),
        (torch.ones(4, 3), 4, "rank is 4; expected at most 3"),
        (torch.ones(2, 3), 3, "rank is 3; expected at most 2"),
    ],
)
def test_bad_snapshots_and_ranks_are_refused(x, rank, message):
    with pytest.raises(ValueError, match=message):
        fit_pod(x, rank)


@pytest.mark.parametrize("rank", [1.0, "2", True])
def test_a_rank_that_is_no_integer_is_refused(rank):
    with pytest.raises(TypeError, match=r"rank is .*; expected an integer >= 1"):
        fit_pod(torch.ones(4, 3), rank)
