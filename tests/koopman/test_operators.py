"""The fitted operator: exact recoveries, the shrinkage of the windowed average, and repeated application."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.koopman.operators import koopman_least_squares, operator_powers, ridge_regression, rollout

pytestmark = pytest.mark.ch05


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_identity_dynamics_are_shrunk_to_t_over_d_by_the_average_of_windows():
    z = normal(200, 4, 16)
    average = koopman_least_squares(z, z, ridge=0.0, pooling="window_mean")
    assert average.trace().item() / 16 == pytest.approx(4 / 16, abs=1e-12)
    torch.testing.assert_close(koopman_least_squares(z, z, ridge=0.0), torch.eye(16, dtype=z.dtype))


def four_modes():
    """Noiseless windows of T = 3 pairs of a 4-mode linear system in mixed coordinates."""
    mixing = torch.linalg.qr(normal(4, 4, seed=1))[0]
    k = mixing @ torch.diag(torch.tensor([0.99, 0.9, 0.7, 0.5], dtype=torch.float64)) @ mixing.T
    starts = normal(300, 4, seed=2)
    path = torch.cat([starts[:, None], rollout(k, starts, 3)], dim=1)
    return k, path[:, :-1], path[:, 1:]


def test_pooled_pairs_give_all_four_modes_and_the_average_loses_them():
    _, z0, z1 = four_modes()
    truth = torch.tensor([0.5, 0.7, 0.9, 0.99], dtype=torch.float64)
    pooled = torch.linalg.eigvals(koopman_least_squares(z0, z1, ridge=1e-6)).real.sort()[0]
    torch.testing.assert_close(pooled, truth, atol=1e-4, rtol=0)
    average = torch.linalg.eigvals(koopman_least_squares(z0, z1, pooling="window_mean")).real.sort()[0]
    assert (average[1:] < truth[1:] - 0.1).all()


def test_the_column_convention_holds_for_a_matrix_that_is_not_symmetric():
    k = torch.tensor([[0.9, 0.4], [0.0, 0.5]], dtype=torch.float64)
    z0 = normal(50, 2)
    torch.testing.assert_close(koopman_least_squares(z0, z0 @ k.T, ridge=0.0), k)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), d=st.integers(1, 6), ridge=st.floats(1e-3, 10), seed=st.integers(0, 999))
def test_the_gradient_of_the_penalised_error_vanishes(n, d, ridge, seed):
    z0, z1 = normal(n, d, seed=seed), normal(n, d, seed=seed + 1000)
    k = koopman_least_squares(z0, z1, ridge=ridge).requires_grad_()
    ((z1 - z0 @ k.T).square().sum() + ridge * k.square().sum()).backward()
    assert k.grad.abs().max() < 1e-9


def test_with_one_window_the_two_poolings_agree():
    z0, z1 = normal(1, 9, 4), normal(1, 9, 4, seed=1)
    torch.testing.assert_close(
        koopman_least_squares(z0, z1, pooling="window_mean"), koopman_least_squares(z0, z1), atol=1e-12, rtol=1e-10
    )


def test_directions_without_data_are_mapped_to_zero():
    z0 = torch.zeros(5, 3, dtype=torch.float64)
    z0[:, 0] = torch.arange(1.0, 6.0)
    k = koopman_least_squares(z0, 2 * z0, ridge=0.0)
    torch.testing.assert_close(k, torch.diag(torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)))
    assert (koopman_least_squares(torch.zeros(4, 2), torch.zeros(4, 2), ridge=0.0) == 0).all()


def test_nearly_dependent_columns_are_solved_beyond_the_normal_equations():
    """Columns that differ by 1e-7: squared, the difference is at the edge of float64."""
    base = normal(100, 1)
    a = torch.cat([base, base + 1e-7 * normal(100, 1, seed=1)], dim=1)
    weights = torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    torch.testing.assert_close(ridge_regression(a, a @ weights), weights, atol=1e-6, rtol=0)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_the_latents_does_not_matter_without_a_penalty(unit):
    z = unit * normal(2, 10, 3)
    for pooling in ("all", "window_mean"):
        k = koopman_least_squares(z, 0.5 * z, ridge=0.0, pooling=pooling)
        torch.testing.assert_close(k, 0.5 * torch.eye(3, dtype=z.dtype))


def test_float32_latents_are_solved_in_float64_and_get_their_dtype_back():
    z = 1 + 1e-3 * normal(64, 3).float()  # a large offset: the normal equations in float32 would be off by much
    k = koopman_least_squares(z, z, ridge=0.0)
    assert k.dtype == torch.float32
    torch.testing.assert_close(k, torch.eye(3), atol=1e-6, rtol=0)


def test_no_gradient_flows_into_the_operator():
    z = normal(8, 2).requires_grad_()
    assert not koopman_least_squares(z, z).requires_grad


def test_powers_and_rollouts_agree_with_repeated_products():
    k, z0 = 0.5 * normal(3, 3), normal(2, 5, 3, seed=1)
    powers = operator_powers(k, 4)
    for h in range(1, 5):
        torch.testing.assert_close(powers[h - 1], torch.linalg.matrix_power(k, h))
        torch.testing.assert_close(rollout(k, z0, 4)[..., h - 1, :], z0 @ torch.linalg.matrix_power(k, h).T)
    assert rollout(k, z0, 4).shape == (2, 5, 4, 3)


def test_a_rollout_is_differentiable_in_operator_and_start():
    k, z0 = (0.5 * normal(2, 2)).requires_grad_(), normal(3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: rollout(a, b, 3), (k, z0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ridge": -1.0}, "ridge is -1.0; expected a finite number >= 0"),
        ({"ridge": float("nan")}, "ridge is nan"),
        ({"pooling": "mean"}, "pooling is 'mean'; expected 'all' or 'window_mean'"),
        ({"pooling": "window_mean"}, r"z0 has shape \(4, 2\); expected \(B, T, d\)"),
        ({"z1": torch.zeros(3, 2)}, r"z1 has shape \(3, 2\); expected \(4, 2\)"),
        ({"z1": torch.full((4, 2), torch.nan)}, "z1 holds NaN"),
        ({"z0": torch.zeros(0, 2)}, r"z0 has shape \(0, 2\)"),
    ],
)
def test_the_fit_refuses_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        koopman_least_squares(**({"z0": torch.ones(4, 2), "z1": torch.ones(4, 2)} | change))


def test_rollouts_refuse_bad_input():
    eye = torch.eye(2, dtype=torch.float64)
    for k, z0, steps, message in [
        (torch.ones(2, 3), eye, 1, "expected a square matrix"),
        (torch.ones(4, 2, 2), eye, 1, "expected a square matrix"),
        (eye, torch.ones(3), 1, r"z0 has shape \(3,\)"),
        (eye, eye, 0, "steps is 0; expected an integer >= 1"),
        (1e200 * eye, eye, 2, "overflows"),
    ]:
        with pytest.raises(ValueError, match=message):
            rollout(k, z0, steps)
    with pytest.raises(TypeError, match=r"steps is 1\.5"):
        operator_powers(eye, 1.5)
    with pytest.raises(ValueError, match="square"):
        operator_powers(torch.ones(2, 3), 2)
