"""Dynamic mode decomposition: closed forms, the two routes, invariants, peers and bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.datasets.ocean import ocean_temperature
from corelib.koopman.dmd import dmd

pytestmark = pytest.mark.ch05


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(angle=0.3, shrink=0.9):
    c, s = math.cos(angle), math.sin(angle)
    return shrink * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def noisy(n_snapshots, n, seed=0):
    """Snapshots of a few oscillations seen in n places, with noise that gives all directions some size."""
    times = torch.arange(n_snapshots + 1, dtype=torch.float64)
    waves = torch.stack([(w * times).cos() for w in (0.1, 0.23, 0.41)] + [(w * times).sin() for w in (0.1, 0.23, 0.41)])
    series = waves.T @ normal(6, n, seed=seed) + 0.1 * normal(n_snapshots + 1, n, seed=seed + 1)
    return series[:-1], series[1:]


def sorted_eigenvalues(values):
    return torch.tensor(sorted(torch.as_tensor(values).tolist(), key=lambda v: (round(v.real, 8), round(v.imag, 8))))


def test_a_damped_rotation_has_its_eigenvalues_and_rates():
    x = normal(20, 2)
    found = dmd(x, x @ rotation().T)
    expected = 0.9 * torch.exp(torch.tensor([0.3j, -0.3j], dtype=torch.complex128))
    torch.testing.assert_close(found.eigenvalues, expected, atol=1e-12, rtol=0)
    assert found.frequencies(0.1).tolist() == pytest.approx([3 / (2 * math.pi), -3 / (2 * math.pi)], abs=1e-11)
    assert found.growth_rates(0.1).tolist() == pytest.approx([math.log(0.9) / 0.1] * 2, abs=1e-11)


def test_forecasts_follow_a_matrix_that_is_not_symmetric():
    a = torch.tensor([[0.9, 0.4, 0.0], [0.0, 0.5, 0.3], [0.1, 0.0, 0.7]], dtype=torch.float64)
    x = normal(30, 3)
    start = normal(4, 5, 3, seed=1)
    path = dmd(x, x @ a.T).predict(start, 6)
    assert path.shape == (4, 5, 6, 3)
    for h in range(1, 7):
        torch.testing.assert_close(path[..., h - 1, :], start @ torch.linalg.matrix_power(a, h).T)


@pytest.mark.parametrize("shape", [(400, 12), (12, 400), (33, 31)])
@pytest.mark.parametrize("rank", [None, 6])
@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_the_two_routes_agree_to_ten_digits(shape, rank, ridge):
    if shape == (33, 31) and rank is None:
        rank = 20
    x, y = noisy(*shape)
    svd, gram = (dmd(x, y, rank=rank, ridge=ridge, route=route) for route in ("svd", "gram"))
    start = x[:3]
    torch.testing.assert_close(svd.predict(start, 5), gram.predict(start, 5), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(svd.singular_values, gram.singular_values, atol=0, rtol=1e-10)
    # Bases may differ in sign; what they span, and the spectrum, may not.
    torch.testing.assert_close(svd.basis @ svd.basis.T, gram.basis @ gram.basis.T, atol=1e-10, rtol=0)
    torch.testing.assert_close(
        sorted_eigenvalues(svd.eigenvalues), sorted_eigenvalues(gram.eigenvalues), atol=1e-10, rtol=0
    )


@settings(max_examples=25, deadline=None)
@given(n_snapshots=st.integers(2, 30), n=st.integers(1, 30), seed=st.integers(0, 999))
def test_modes_are_eigenvectors_of_the_fitted_map(n_snapshots, n, seed):
    x, y = normal(n_snapshots, n, seed=seed), normal(n_snapshots, n, seed=seed + 1000)
    found = dmd(x, y, rank=min(n_snapshots, n, 5))
    mapping = (found.basis @ found.operator @ found.basis.T).to(found.modes.dtype)
    scale = 1 + found.operator.abs().max().item()
    torch.testing.assert_close(mapping @ found.modes, found.modes * found.eigenvalues, atol=1e-8 * scale, rtol=0)
    torch.testing.assert_close(found.basis.T @ found.basis, torch.eye(len(found.operator)).double(), atol=1e-8, rtol=0)
    assert (found.eigenvalues.abs().diff() <= 1e-12 * scale).all()


def test_low_rank_data_in_many_dimensions_show_their_rank_on_their_own():
    """Two dimensions hidden in 300: the squared singular values would not tell which are zero."""
    path = [torch.tensor([1.0, 0.5], dtype=torch.float64)]
    for _ in range(40):
        path.append(rotation() @ path[-1])
    series = torch.stack(path) @ torch.linalg.qr(normal(300, 2))[0].T
    found = dmd(series[:-1], series[1:])
    assert found.operator.shape == (2, 2)
    torch.testing.assert_close(found.eigenvalues.abs(), torch.full((2,), 0.9, dtype=torch.float64), atol=1e-12, rtol=0)
    with pytest.raises(ValueError, match="rank is 3; expected at most 2, the numerical rank of x"):
        dmd(series[:-1], series[1:], rank=3)
    with pytest.raises(ValueError, match="route is 'gram'; expected 'svd'"):
        dmd(series[:-1], series[1:], route="gram")


def test_centring_frees_the_forecast_of_a_huge_offset():
    times = torch.arange(80, dtype=torch.float64)
    series = 1e6 + torch.stack([(0.3 * times).cos(), (0.3 * times).sin()], dim=1)
    period = 63  # three turns are 62.83 steps; x holds nearly whole periods, so that its mean is the offset
    found = dmd(series[:period], series[1 : period + 1], center=True)
    torch.testing.assert_close(found.predict(series[63], 10), series[64:74], atol=0.05, rtol=0)
    steady = dmd(series[:-1], series[1:], rank=1)
    assert steady.eigenvalues[0].real.item() == pytest.approx(1, abs=1e-6)


def test_a_mean_of_zero_makes_centring_a_no_op():
    x = normal(15, 3)
    x = torch.cat([x, -x])
    y = x @ torch.diag(torch.tensor([0.9, 0.5, -0.4], dtype=torch.float64))
    torch.testing.assert_close(dmd(x, y, center=True).predict(x[:2], 3), dmd(x, y).predict(x[:2], 3))


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_the_state_does_not_matter(unit):
    """Squares of these over- and underflow."""
    x = normal(20, 2)
    found = dmd(unit * x, unit * (x @ rotation().T))
    torch.testing.assert_close(found.eigenvalues.abs(), torch.full((2,), 0.9, dtype=torch.float64))
    torch.testing.assert_close(found.predict(unit * x[0], 1)[0] / unit, rotation() @ x[0])


def test_one_snapshot_is_enough_for_one_direction():
    found = dmd(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.5, 2.0]]))
    assert found.eigenvalues.tolist() == pytest.approx([0.5], abs=1e-14)
    assert found.predict(torch.tensor([6.0, 8.0]), 1).tolist() == [pytest.approx([3.0, 4.0])]


def test_the_ridge_shrinks_a_scalar_map_as_its_closed_form():
    x = torch.tensor([[1.0], [2.0], [3.0]])
    for route in ("svd", "gram"):
        assert dmd(x, 0.5 * x, ridge=7.0, route=route).operator.item() == pytest.approx(0.5 * 14 / 21, abs=1e-14)


def test_a_mode_that_dies_at_once_has_rate_minus_infinity():
    x = torch.eye(2, dtype=torch.float64)
    found = dmd(x, torch.diag(torch.tensor([0.5, 0.0], dtype=torch.float64)))
    assert found.growth_rates(1.0).tolist() == [pytest.approx(math.log(0.5)), -math.inf]


def test_the_ocean_shows_its_year_and_beats_climatology_and_persistence():
    """54 months; the last 12 are held out. RMSE in kelvin over all sea points and months."""
    months = ocean_temperature().temperature
    past, future = months[:42], months[42:]
    found = dmd(past[:-1], past[1:], rank=8, center=True)
    periods, moduli = 1 / found.frequencies(1.0), found.eigenvalues.abs()
    yearly = (periods - 12.1).abs() < 0.5
    assert yearly.sum() == 1
    assert moduli[yearly].item() > 0.97

    def rmse(forecast):
        return (forecast - future).square().mean().sqrt().item()

    # Month m of the future is the same calendar month as m, m + 12 and m + 24 of the last three years.
    climatology = past[-36:].reshape(3, 12, -1).mean(0)
    assert rmse(found.predict(past[-1], 12)) == pytest.approx(0.86, abs=0.02)
    assert rmse(climatology) > 0.95
    assert rmse(past[-1]) > 1.4


@pytest.mark.parametrize("shape", [(60, 200), (500, 8)])
def test_pydmd_finds_the_same_eigenvalues(shape):
    pydmd = pytest.importorskip("pydmd")
    x, y = noisy(*shape)
    peer = pydmd.DMD(svd_rank=6).fit(torch.cat([x, y[-1:]]).T.numpy())
    torch.testing.assert_close(
        sorted_eigenvalues(dmd(x, y, rank=6).eigenvalues), sorted_eigenvalues(peer.eigs), atol=1e-10, rtol=0
    )


def test_deeptime_finds_the_same_eigenvalues():
    deeptime = pytest.importorskip("deeptime.decomposition")
    x, y = noisy(500, 8)
    peer = deeptime.DMD(mode="standard", rank=6).fit((x.numpy(), y.numpy())).fetch_model()
    torch.testing.assert_close(
        sorted_eigenvalues(dmd(x, y, rank=6).eigenvalues), sorted_eigenvalues(peer.eigenvalues), atol=1e-10, rtol=0
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.ones(3)}, r"x has shape \(3,\)"),
        ({"x": torch.ones(2, 3, 2), "y": torch.ones(2, 3, 2)}, r"x has shape \(2, 3, 2\); expected \(N, n\)"),
        ({"y": torch.ones(3, 2)}, r"y has shape \(3, 2\); expected \(4, 2\)"),
        ({"x": torch.full((4, 2), torch.inf)}, "x holds NaN or infinite"),
        ({"x": torch.tensor([[1.0, 2.0]] * 3 + [[0.0, -torch.inf]])}, "x holds NaN or infinite"),
        ({"y": torch.tensor([[1.0, 2.0], [torch.nan, 5.0], [-3.0, 0.0], [1.0, 1.0]])}, "y holds NaN or infinite"),
        ({"x": torch.zeros(4, 2)}, "x is all 0"),
        ({"x": torch.full((4, 2), 1e9 / 3), "center": True}, "x is constant"),
        ({"rank": 0}, "rank is 0; expected an integer >= 1"),
        ({"rank": 3}, "rank is 3; expected at most 2, the smaller side of x"),
        ({"ridge": -0.1}, "ridge is -0.1"),
        ({"route": "qr"}, "route is 'qr'"),
    ],
)
def test_the_fit_refuses_bad_input(change, message):
    x = normal(4, 2)
    with pytest.raises(ValueError, match=message):
        dmd(**({"x": x, "y": x} | change))


def test_the_result_refuses_bad_input():
    x = normal(4, 2)
    found = dmd(x, 2 * x)
    with pytest.raises(TypeError, match="rank is True"):
        dmd(x, x, rank=True)
    for call, message in [
        (lambda: found.predict(torch.ones(3), 1), r"x0 has shape \(3,\); expected \(\.\.\., 2\)"),
        (lambda: found.predict(torch.ones(2), 0), "steps is 0"),
        (lambda: found.predict(torch.ones(2), 2000), "overflows"),
        (lambda: found.frequencies(0.0), r"dt is 0\.0"),
        (lambda: found.growth_rates(-1.0), r"dt is -1\.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
