"""Cauchy-Schwarz quantities: closed forms, the angle they are, invariances, the released loss, hard inputs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel

from corelib.information.cauchy_schwarz import (
    conditional_cs_divergence,
    cs_divergence,
    cs_qmi,
    cs_qmi_normalized,
    gaussian_gram,
    hsic,
)
from corelib.information.samples import DegenerateSampleError

pytestmark = pytest.mark.ch01
PAIRED = (cs_qmi, cs_qmi_normalized, hsic)


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def rotation(dim, seed):
    return torch.linalg.qr(normal(dim, dim, seed=seed)).Q


def test_gram_is_scikit_learns_kernel():
    a, b = normal(7, 3), normal(5, 3, seed=1)
    gram = gaussian_gram(a, b, 0.7)
    assert gram.shape == (7, 5)
    np.testing.assert_allclose(gram, rbf_kernel(a, b, gamma=1 / (2 * 0.7**2)), rtol=1e-12)


def test_divergence_of_three_points_on_a_line():
    assert cs_divergence(column(0, 1), column(2)).item() == pytest.approx(1.7643976, abs=1e-6)


@pytest.mark.parametrize(("distance", "bandwidth"), [(1, 1), (3, 0.5), (100, 1), (1e6, 1e-3)])
def test_divergence_of_two_points_is_the_squared_distance_in_bandwidths(distance, bandwidth):
    p, q = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[0.6, 0.8]], dtype=torch.float64) * distance
    assert cs_divergence(p, q, bandwidth).item() == pytest.approx((distance / bandwidth) ** 2, rel=1e-12)


def test_divergence_is_twice_the_log_cosine_of_which_mmd_is_the_squared_distance():
    p, q = normal(30, 2), 0.5 + normal(40, 2, seed=1)
    pp, qq, pq = (gaussian_gram(a, b).mean() for a, b in ((p, p), (q, q), (p, q)))
    assert cs_divergence(p, q).item() == pytest.approx(-2 * (pq / (pp * qq).sqrt()).log().item(), rel=1e-12)
    mmd = pp + qq - 2 * pq
    assert mmd.item() == pytest.approx((pp + qq - 2 * (pp * qq).sqrt() * (-cs_divergence(p, q) / 2).exp()).item())


def quantiles(n):
    """Standard normal, each of n equal shares of it at its median: free of sampling noise."""
    return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)[:, None]


def test_two_unit_gaussians_a_unit_apart_are_a_third_of_a_nat_apart_at_bandwidth_one():
    # Each variance grows by s^2 / 2, so that Delta^2 / (2 v) = 1 / 3.
    assert cs_divergence(quantiles(500), 1 + quantiles(500)).item() == pytest.approx(1 / 3, abs=2e-3)
    assert cs_divergence(normal(1000, 1), 1 + normal(1000, 1, seed=1)).item() == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_equal_samples_are_at_divergence_zero_in_whatever_order(n):
    p = normal(n, 3)
    assert cs_divergence(p, p.flip(0)).item() == pytest.approx(0, abs=1e-12)


def test_qmi_of_three_points():
    assert cs_qmi(column(0, 1, 2), column(0, 1, 0)).item() == pytest.approx(0.0264232, abs=1e-6)
    assert cs_qmi(column(0, 1, 2), column(0, 1, 0)).item() / math.log(2) == pytest.approx(0.0381206, abs=1e-6)


def test_qmi_is_the_divergence_of_the_pairs_from_all_recombinations():
    x, t = normal(8, 2), normal(8, 1, seed=1)
    recombined = torch.cat([x.repeat_interleave(8, 0), t.repeat(8, 1)], dim=1)
    assert cs_qmi(x, t).item() == pytest.approx(cs_divergence(torch.cat([x, t], 1), recombined).item(), rel=1e-9)


def test_a_product_grid_holds_no_dependence():
    grid = torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0)).double()
    for measure in PAIRED:
        assert measure(grid[:, :1], grid[:, 1:]).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [2, 7, 50])
def test_a_copy_of_samples_far_apart_saturates_at_ln_n(n):
    x = 1e4 * torch.arange(n, dtype=torch.float64)[:, None]
    assert cs_qmi(x, x).item() == pytest.approx(math.log(n), rel=1e-12)


@pytest.mark.parametrize(("rho", "exact"), [(0.8, 0.0935819), (0.0, 0.0)])
def test_qmi_of_a_correlated_pair_is_that_of_the_smoothed_gaussian(rho, exact):
    v = 1.5  # 1 + s^2 / 2 at s = 1
    closed = math.log(4 * v**2 - rho**2) - 0.5 * math.log(16 * v**2 * (v**2 - rho**2))
    assert closed == pytest.approx(exact, abs=1e-6)
    x, noise = quantiles(32).repeat_interleave(32, 0), quantiles(32).repeat(32, 1)
    assert cs_qmi(x, rho * x + math.sqrt(1 - rho**2) * noise).item() == pytest.approx(closed, abs=3e-3)


def test_normalised_qmi_of_a_copy_is_one_at_any_bandwidth_and_scale():
    x = normal(20, 3)
    assert cs_qmi_normalized(x, x, 0.3, 0.3).item() == pytest.approx(1, rel=1e-12)
    assert cs_qmi_normalized(x, 50 * x, 0.3, 15).item() == pytest.approx(1, rel=1e-9)


def test_normalised_qmi_divides_by_the_geometric_mean_of_the_two_self_informations():
    x, t = normal(20, 3), normal(20, 2, seed=1)
    own = cs_qmi(x, x, 2, 2) * cs_qmi(t, t, 0.5, 0.5)
    assert cs_qmi_normalized(x, t, 2, 0.5).item() == pytest.approx((cs_qmi(x, t, 2, 0.5) / own.sqrt()).item())


def test_normalised_qmi_is_no_fraction():
    x, t = normal(150, 10), normal(150, 10) @ normal(10, 32, seed=1) / 300
    assert cs_qmi_normalized(x, t).item() > 1.01


def test_conditional_divergence_of_three_points_and_not_its_variant_with_squared_kernels():
    value = conditional_cs_divergence(column(0, 1, 3), column(0, 1, 2), column(0.5, 1, 1)).item()
    assert value == pytest.approx(0.3729545, abs=1e-6)
    assert abs(value - 0.3024023) > 0.05


def test_conditional_divergence_is_its_formula():
    x, y, y_hat = normal(9, 3), normal(9, 2, seed=1), normal(9, 2, seed=2)
    k = rbf_kernel(x, x, gamma=1 / (2 * 1.5**2))
    terms = [
        np.log((k * rbf_kernel(a, b, gamma=1 / (2 * 0.8**2)) / k.sum(1, keepdims=True) ** 2).sum())
        for a, b in ((y, y), (y_hat, y_hat), (y_hat, y))
    ]
    expected = terms[0] + terms[1] - 2 * terms[2]
    assert conditional_cs_divergence(x, y, y_hat, 1.5, 0.8).item() == pytest.approx(expected, rel=1e-10)


def test_conditional_divergence_of_perfect_predictions_is_zero():
    x, y = normal(12, 3), normal(12, 1, seed=1)
    assert conditional_cs_divergence(x, y, y.clone()).item() == pytest.approx(0, abs=1e-12)


def test_conditional_divergence_is_neither_symmetric_nor_bounded_by_zero():
    x, y = column(0.2, -0.1, 0.7, -0.2, 0.1, -1.4), column(0.3, 0.6, -2.0, 0.8, 0.3, 1.8)
    y_hat = column(-2.2, 0.2, 0.4, 0.1, 1.0, 1.3)
    assert conditional_cs_divergence(x, y, y_hat).item() < -0.03  # below that of perfect predictions
    assert conditional_cs_divergence(x, y_hat, y).item() > 0.1


def released_loss(x, y, y_hat):
    """The published loss: squares expanded for matrices, (sum K^2) below the line, base 2."""

    def gram(a, b):
        of_a = (a * a).sum(-1).reshape(-1, 1).expand(-1, len(b))
        of_b = (b * b).sum(-1).reshape(1, -1).expand(len(a), -1)
        return torch.exp(-(of_a + of_b - 2 * a @ b.t()) / 2)

    k = gram(x, x)
    below = (k**2).sum(-1)
    own, predicted, cross = (((k * gram(a, b)).sum(-1) / below).sum() for a, b in ((y, y), (y_hat, y_hat), (y_hat, y)))
    return torch.log2(own) + torch.log2(predicted) - 2 * torch.log2(cross)


def test_the_released_loss_on_vectors_is_squared_error_over_ln_2():
    # The last axis of a vector is the batch: every entry of its Gram matrix becomes exp(-SSE / 2).
    x, y = normal(20, 4), normal(20, seed=1)
    y_hat = y + 0.3 * normal(20, seed=2)
    sse = ((y - y_hat) ** 2).sum().item()
    assert released_loss(x, y, y_hat).item() == pytest.approx(sse / math.log(2), rel=1e-9)
    assert released_loss(x, y[:, None], y_hat[:, None]).item() < 0.1 * sse


def test_the_released_loss_on_columns_differs_from_the_proposition_only_below_the_line():
    x, y, y_hat = column(0, 1, 3), column(0, 1, 2), column(0.5, 1, 1)
    assert released_loss(x, y, y_hat).item() * math.log(2) == pytest.approx(0.3024023, abs=1e-6)


def test_hsic_of_two_points_is_a_product_of_what_their_kernels_lack_to_one():
    # H K H = (1 - k) / 2 * [[1, -1], [-1, 1]], hence tr(K H Q H) / 4 = (1 - k) (1 - q) / 4.
    value = hsic(column(0, 1), column(0, 3), 1.0, 2.0).item()
    assert value == pytest.approx((1 - math.exp(-0.5)) * (1 - math.exp(-9 / 8)) / 4, rel=1e-12)


def test_hsic_is_the_squared_distance_between_the_pairs_and_all_recombinations():
    x, t = normal(8, 2), normal(8, 1, seed=1)
    pairs, mixed = torch.cat([x, t], 1), torch.cat([x.repeat_interleave(8, 0), t.repeat(8, 1)], 1)
    within, across, between = (gaussian_gram(a, b).mean() for a, b in ((pairs, pairs), (mixed, mixed), (pairs, mixed)))
    assert hsic(x, t).item() == pytest.approx((within + across - 2 * between).item(), abs=1e-12)


def test_hsic_is_the_trace_of_centred_kernels():
    x, t = normal(9, 2), normal(9, 3, seed=1)
    h = torch.eye(9, dtype=torch.float64) - 1 / 9
    trace = torch.trace(gaussian_gram(x, x, 2) @ h @ gaussian_gram(t, t, 0.5) @ h) / 81
    assert hsic(x, t, 2, 0.5).item() == pytest.approx(trace.item(), rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 4), st.floats(0.3, 5))
def test_moving_turning_reordering_and_swapping_change_nothing(seed, n, dim, bandwidth):
    x, t = normal(n, dim, seed=seed), normal(n, 2, seed=seed + 1)
    moved = x @ rotation(dim, seed + 2) + 10
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    for measure in (cs_qmi, hsic):
        value = measure(x, t, bandwidth, 1.0).item()
        assert measure(moved[order], t[order], bandwidth, 1.0).item() == pytest.approx(value, abs=1e-10)
        assert measure(t, x, 1.0, bandwidth).item() == pytest.approx(value, abs=1e-10)
        assert value > -1e-10
    divergence = cs_divergence(x, 1 + x[: n // 2 + 1], bandwidth).item()
    assert divergence >= -1e-12
    turned = [u @ rotation(dim, seed) - 3 for u in (x.flip(0), 1 + x[: n // 2 + 1])]
    assert cs_divergence(*turned, bandwidth).item() == pytest.approx(divergence, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_the_conditional_divergence_turns_with_inputs_and_moves_with_targets(seed, n):
    x, y, y_hat = normal(n, 3, seed=seed), normal(n, 2, seed=seed + 1), normal(n, 2, seed=seed + 2)
    value = conditional_cs_divergence(x, y, y_hat).item()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    moved = (x @ rotation(3, seed) + 10)[order], (y + 5)[order], (y_hat + 5)[order]
    assert conditional_cs_divergence(*moved).item() == pytest.approx(value, abs=1e-9)


def test_units_of_samples_cancel_against_those_of_bandwidths():
    x, t = normal(15, 2), normal(15, 2, seed=1)
    for measure in PAIRED:
        assert measure(1e6 * x, 1e-6 * t, 1e6, 1e-6).item() == pytest.approx(measure(x, t).item(), rel=1e-9)


@pytest.mark.parametrize("measure", PAIRED)
def test_gradients_are_those_of_finite_differences(measure):
    x, t = normal(6, 2).requires_grad_(), normal(6, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(measure, (x, t))


def test_gradients_of_the_divergences_are_those_of_finite_differences():
    x, y, y_hat = (normal(6, 2, seed=seed).requires_grad_() for seed in range(3))
    assert torch.autograd.gradcheck(cs_divergence, (x, y))
    assert torch.autograd.gradcheck(conditional_cs_divergence, (x, y, y_hat))


def test_gradients_stay_finite_at_ties_and_far_apart():
    t = torch.tensor([[0.0], [0.0], [300.0]], requires_grad=True)
    (cs_qmi(normal(3, 2).float(), t) + cs_divergence(t, t + 1e4)).backward()
    assert torch.isfinite(t.grad).all()


def test_the_divergence_of_far_samples_still_has_a_gradient():
    q = torch.tensor([[1000.0]], requires_grad=True)
    cs_divergence(torch.zeros(1, 1), q).backward()
    assert q.grad.item() == pytest.approx(2000)


@pytest.mark.parametrize("measure", [*PAIRED, cs_divergence])
def test_single_precision_gives_the_value_of_double_precision_in_its_own_dtype(measure):
    x, t = normal(40, 3, dtype=torch.float32), 0.02 * normal(40, 3, seed=1, dtype=torch.float32)
    value = measure(x, t)
    assert value.dtype == torch.float32 and value.ndim == 0
    assert value.item() == pytest.approx(measure(x.double(), t.double()).item(), rel=1e-6)


def test_a_large_offset_costs_no_digits():
    x, t = normal(20, 2), normal(20, 2, seed=1)
    assert cs_qmi(x + 1e6, t - 1e6).item() == pytest.approx(cs_qmi(x, t).item(), rel=1e-7)


def test_a_constant_tells_nothing_and_has_no_normalised_value():
    x, constant = normal(5, 2), torch.full((5, 1), 3.0, dtype=torch.float64)
    assert cs_qmi(x, constant).item() == pytest.approx(0, abs=1e-14)
    assert hsic(x, constant).item() == pytest.approx(0, abs=1e-14)
    with pytest.raises(DegenerateSampleError, match="t is constant at its bandwidth"):
        cs_qmi_normalized(x, constant)
    with pytest.raises(DegenerateSampleError, match="x is constant at its bandwidth"):
        cs_qmi_normalized(x, x, 1e9, 1.0)


def with_one_bad_sample():
    """Each function of one argument, the others being good, and the name of that one."""
    good = normal(3, 1)
    return [
        ("a", lambda u: gaussian_gram(u, good)),
        ("p", lambda u: cs_divergence(u, good)),
        *[("x", lambda u, f=f: f(u, good)) for f in PAIRED],
        ("x", lambda u: conditional_cs_divergence(u, good, good)),
        ("y_hat", lambda u: conditional_cs_divergence(good, good, u)),
    ]


@pytest.mark.parametrize(("name", "call"), with_one_bad_sample())
def test_bad_samples_are_named(name, call):
    with pytest.raises(ValueError, match=rf"{name} has shape \(3,\); expected \[N, d\]; use {name}\[:, None\]"):
        call(torch.zeros(3))
    with pytest.raises(ValueError, match=rf"{name} has shape \(3, 1, 1\); expected \[N, d\]$"):
        call(torch.zeros(3, 1, 1))
    with pytest.raises(ValueError, match=rf"{name} has shape \(0, 1\)"):
        call(torch.zeros(0, 1))
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match=f"{name} holds NaN or infinite values"):
            call(torch.tensor([[0.0], [1.0], [bad]]))
    with pytest.raises(TypeError, match=f"{name} is torch.int64"):
        call(torch.zeros(3, 1, dtype=torch.int64))
    with pytest.raises(TypeError, match=f"{name} is ndarray"):
        call(np.zeros((3, 1)))


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf])
def test_a_bandwidth_that_is_none_is_named(bad):
    x = normal(3, 1)
    for measure in PAIRED:
        with pytest.raises(ValueError, match=f"bandwidth_x is {bad}; expected a finite number > 0"):
            measure(x, x, bad, 1.0)
        with pytest.raises(ValueError, match=f"bandwidth_t is {bad}"):
            measure(x, x, 1.0, bad)
    with pytest.raises(ValueError, match=f"bandwidth is {bad}"):
        cs_divergence(x, x, bad)
    with pytest.raises(ValueError, match=f"bandwidth_y is {bad}"):
        conditional_cs_divergence(x, x, x, 1.0, bad)


def test_samples_that_are_no_pairs_are_refused():
    for measure in PAIRED:
        with pytest.raises(ValueError, match="x, t have 3, 4 samples"):
            measure(normal(3, 1), normal(4, 1))
        with pytest.raises(ValueError, match="x, t have 1 sample each; expected at least 2"):
            measure(normal(1, 1), normal(1, 1))
    with pytest.raises(ValueError, match="x, y, y_hat have 3, 3, 4 samples"):
        conditional_cs_divergence(normal(3, 1), normal(3, 1), normal(4, 1))
    with pytest.raises(ValueError, match="same number of columns"):
        conditional_cs_divergence(normal(3, 1), normal(3, 1), normal(3, 2))
    with pytest.raises(ValueError, match="same number of columns"):
        cs_divergence(normal(3, 1), normal(3, 2))


def test_distances_too_large_for_their_square_are_refused():
    for far, bandwidth in ((1e200, 1.0), (1e100, 1e-100)):
        with pytest.raises(ValueError, match=f"bandwidth is {bandwidth}, so small against the distances"):
            cs_divergence(column(0), column(far), bandwidth)
