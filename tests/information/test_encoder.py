"""Information of stochastic encoders: exact cases, order of the estimators, ceilings, invariances, hard inputs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.information.encoder import (
    METHODS,
    GaussianCodes,
    average_advantage,
    conditional_encoder_information,
    encoder_information,
    information_sandwich,
    quadrature_information,
)

pytestmark = pytest.mark.ch01
CLOSED = ("bhatt_lower", "kl_upper", "jensen_exact")


def line(means, std):
    means = torch.tensor(means, dtype=torch.float64)[:, None]
    return GaussianCodes(means, torch.as_tensor(std, dtype=torch.float64).expand(len(means))[:, None])


def drawn(seed, n=12, dim=3, lead=()):
    generator = torch.Generator().manual_seed(seed)
    mean = 2 * torch.randn(*lead, n, dim, dtype=torch.float64, generator=generator)
    std = 0.1 + torch.rand(*lead, n, dim, dtype=torch.float64, generator=generator)
    codes = GaussianCodes(mean, std)
    return codes, codes.sample(generator)


def channel(dim, noise, n=500, seed=0):
    """X ~ N(0, I), Z = X + N(0, noise): I(X;Z) = dim/2 ln(1 + 1/noise)."""
    mean = torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return GaussianCodes(mean, torch.full_like(mean, noise**0.5))


@pytest.mark.parametrize(
    ("means", "std", "lower", "exact", "upper", "jensen"),
    [
        ([-1, 1], 1, 0.219070, 0.336831, 0.566219, 1.0),
        ([0, 1, 3], 0.5, 0.707749, 0.820719, 1.013783, 6.222222),
        ([0, 2], [0.5, 1], 0.355324, 0.474307, 0.646120, 2.781250),
        ([0, 0, 2, 2], 1, 0.219070, 0.336831, 0.566219, 1.0),
    ],
)
def test_closed_forms_enclose_the_exact_value(means, std, lower, exact, upper, jensen):
    codes = line(means, std)
    values = [float(encoder_information(codes, method)) for method in CLOSED]
    assert values == pytest.approx([lower, upper, jensen], abs=1e-5)
    assert quadrature_information(codes) == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(("std", "exact"), [(0.25, 0.693054), (0.5, 0.632720), (2, 0.111421)])
def test_two_points_by_quadrature(std, exact):
    assert quadrature_information(line([-1, 1], std)) == pytest.approx(exact, abs=1e-5)


def test_sampled_estimators_for_given_noise():
    codes = line([0, 1, 3], 0.5)
    z = codes.mean + 0.5 * torch.tensor([[0.2], [-1], [0.4]], dtype=torch.float64)
    values = [float(encoder_information(codes, method, z=z)) for method in ("mc", "loo", "jensen")]
    assert values == pytest.approx([0.8062394, 4.4264716, 6.7111111], abs=1e-6)
    assert [float(v) for v in information_sandwich(codes, z=z)] == pytest.approx(values[:2], abs=0)


def test_mc_by_hand_with_torch_distributions():
    codes, z = drawn(0)
    normal = torch.distributions.Normal(codes.mean, codes.std)
    pairs = torch.stack(
        [torch.distributions.Normal(m, s).log_prob(z).sum(-1) for m, s in zip(codes.mean, codes.std, strict=True)], 1
    )
    own = normal.log_prob(z).sum(-1)
    torch.testing.assert_close(codes.log_prob(z), own)
    torch.testing.assert_close(codes.log_prob_pairwise(z), pairs)
    expected = (own - pairs.logsumexp(1) + math.log(12)).mean()
    torch.testing.assert_close(encoder_information(codes, "mc", z=z), expected)


def test_pairwise_divergences_match_torch_and_an_integral():
    codes, _ = drawn(1, n=5, dim=2)
    normals = [
        torch.distributions.Independent(torch.distributions.Normal(m, s), 1)
        for m, s in zip(codes.mean, codes.std, strict=True)
    ]
    kl = torch.stack([torch.stack([torch.distributions.kl_divergence(p, q) for q in normals]) for p in normals])
    torch.testing.assert_close(codes.kl_pairwise(), kl)
    grid = torch.linspace(-15, 15, 6001, dtype=torch.float64)
    one = GaussianCodes(codes.mean[:, :1], codes.std[:, :1])
    p = torch.distributions.Normal(one.mean, one.std).log_prob(grid).exp()
    overlap = torch.trapezoid((p[:, None] * p[None]).sqrt(), grid, dim=-1)
    torch.testing.assert_close(one.bhattacharyya_pairwise(), -overlap.log(), atol=1e-9, rtol=1e-9)


def test_chain_rule_closes():
    codes = line([0, 1, 4, 6], 0.8)
    labels = torch.tensor([0, 0, 1, 1])
    within = np.mean([quadrature_information(line(pair, 0.8)) for pair in ([0, 1], [4, 6])])
    whole = quadrature_information(codes)
    assert [within, whole] == pytest.approx([0.302962, 0.955437], abs=1e-6)
    assert whole - within == pytest.approx(0.652475, abs=1e-6)
    assert float(conditional_encoder_information(codes, labels, "jensen_exact")) == pytest.approx(0.976562, abs=1e-6)
    assert float(encoder_information(codes, "jensen_exact")) == pytest.approx(8.886719, abs=1e-6)


def test_linear_gaussian_population_values():
    generator = torch.Generator().manual_seed(4)
    labels = torch.randint(2, (3000,), generator=generator)
    mean = (4 * labels - 2 + torch.randn(3000, dtype=torch.float64, generator=generator))[:, None]
    codes = GaussianCodes(mean, torch.full_like(mean, 0.5**0.5))
    z = codes.sample(generator)
    for method in ("mc", "loo"):
        conditional = float(conditional_encoder_information(codes, labels, method, z=z))
        assert conditional == pytest.approx(0.549306, abs=0.035)
        assert float(encoder_information(codes, method, z=z)) == pytest.approx(1.112277, abs=0.04)


def test_jensen_tends_to_its_closed_form():
    z = [float(encoder_information(channel(4, 0.5, seed=s), "jensen")) for s in range(10)]
    assert np.mean(z) == pytest.approx(4 / 0.5, rel=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_conditional_weighs_classes_by_their_size(method):
    codes, z = drawn(2, n=12)
    labels = torch.tensor([7] * 2 + [3] * 7 + [-1] * 3)
    value = conditional_encoder_information(codes, labels, method, z=z)
    expected = 0
    for label in (7, 3, -1):
        own = labels == label
        part = encoder_information(GaussianCodes(codes.mean[own], codes.std[own]), method, z=z[own])
        expected += own.double().mean() * part
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("method", METHODS)
def test_two_separate_crowds_are_averaged_by_their_size(method):
    codes, z = drawn(4)
    crowd = torch.zeros(12, 12, dtype=torch.bool)
    crowd[:4, :4] = crowd[4:, 4:] = True
    parts = (slice(0, 4), slice(4, 12))
    few, many = (encoder_information(GaussianCodes(codes.mean[p], codes.std[p]), method, z=z[p]) for p in parts)
    torch.testing.assert_close(average_advantage(codes, crowd, method, z, None), (4 * few + 8 * many) / 12)


@pytest.mark.parametrize("method", METHODS)
def test_one_class_is_no_condition(method):
    codes, z = drawn(3)
    torch.testing.assert_close(
        conditional_encoder_information(codes, torch.zeros(12, dtype=torch.int64), method, z=z),
        encoder_information(codes, method, z=z),
    )


@pytest.mark.parametrize("method", METHODS)
def test_an_ensemble_is_its_members_side_by_side(method):
    codes, z = drawn(5, lead=(2, 3))
    labels = torch.randint(2, (2, 3, 12), generator=torch.Generator().manual_seed(1))
    together = encoder_information(codes, method, z=z)
    conditional = conditional_encoder_information(codes, labels, method, z=z)
    assert together.shape == conditional.shape == (2, 3)
    for a in range(2):
        for b in range(3):
            one = GaussianCodes(codes.mean[a, b], codes.std[a, b])
            torch.testing.assert_close(together[a, b], encoder_information(one, method, z=z[a, b]))
            alone = conditional_encoder_information(one, labels[a, b], method, z=z[a, b])
            torch.testing.assert_close(conditional[a, b], alone)


@given(seed=st.integers(0, 10_000), n=st.integers(2, 15), dim=st.integers(1, 5), scale=st.floats(0.01, 100))
@settings(deadline=None, max_examples=40)
def test_order_ceilings_and_affine_invariance(seed, n, dim, scale):
    codes, z = drawn(seed, n, dim)
    value = {method: float(encoder_information(codes, method, z=z)) for method in METHODS}
    assert value["bhatt_lower"] <= value["kl_upper"] + 1e-9 <= value["jensen_exact"] + 2e-9
    assert value["mc"] <= value["jensen"] + 1e-9
    for method, about in METHODS.items():
        if about.capped:
            assert value[method] <= math.log(n) + 1e-9
    rates = scale * torch.linspace(0.5, 2, dim, dtype=torch.float64)
    moved = GaussianCodes(codes.mean * rates - 40, codes.std * rates)
    for method in METHODS:
        again = float(encoder_information(moved, method, z=z * rates - 40))
        assert again == pytest.approx(value[method], abs=1e-6, rel=1e-6)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    mixed = GaussianCodes(codes.mean[order], codes.std[order])
    for method in METHODS:
        assert float(encoder_information(mixed, method, z=z[order])) == pytest.approx(value[method], abs=1e-9)


@pytest.mark.parametrize("method", CLOSED)
def test_doubling_the_sample_adds_nothing_to_closed_forms(method):
    codes, _ = drawn(6)
    doubled = GaussianCodes(codes.mean.repeat(2, 1), codes.std.repeat(2, 1))
    torch.testing.assert_close(encoder_information(doubled, method), encoder_information(codes, method))


def test_direction_on_average_over_draws():
    exact = 0.5 * math.log(3)
    pairs = [information_sandwich(channel(1, 0.5, n=40, seed=s)) for s in range(200)]
    lower, upper = (float(torch.stack(side).mean()) for side in zip(*pairs, strict=True))
    assert exact - 0.06 < lower < exact < upper < exact + 0.2


def test_saturation_in_sixteen_dimensions():
    """The true value is 8.79 nats; with 500 inputs nothing capped can say so."""
    codes = channel(16, 0.5)
    z = codes.sample(torch.Generator().manual_seed(1))
    value = {method: float(encoder_information(codes, method, z=z)) for method in METHODS}
    exact, ceiling = 8 * math.log(3), math.log(500)
    assert value["mc"] < ceiling < exact
    assert value["kl_upper"] <= ceiling
    assert exact < value["loo"] < 14
    assert 25 < value["jensen"] < 40


@pytest.mark.parametrize("method", METHODS)
def test_gradients_reach_means_and_deviations(method):
    codes, _ = drawn(7, n=5, dim=2)
    mean, std = codes.mean.clone().requires_grad_(), codes.std.clone().requires_grad_()
    noise = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def value(mean, std):
        return encoder_information(GaussianCodes(mean, std), method, z=mean + std * noise)

    assert torch.autograd.gradcheck(value, (mean, std))


def test_conditional_gradients_are_finite_though_other_classes_are_masked():
    codes, _ = drawn(8, n=6)
    mean = codes.mean.clone().requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 1, 0])
    fresh = GaussianCodes(mean, codes.std)
    conditional_encoder_information(fresh, labels, z=fresh.sample(torch.Generator().manual_seed(0))).backward()
    assert mean.grad.isfinite().all()
    assert (mean.grad != 0).any()


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("method", ["mc", "loo", "kl_upper", "bhatt_lower"])
def test_huge_offsets_and_sharp_noise_are_exact(method, offset):
    """Two pairs a million apart: within each pair the codes overlap, and that must not drown in rounding."""
    means = torch.tensor([0, 1e-3, 1e6, 1e6 + 1e-3], dtype=torch.float64)[:, None]
    codes = GaussianCodes(means + offset, torch.full_like(means, 1e-3))
    noise = torch.tensor([[0.3], [-0.7], [0.1], [0.9]], dtype=torch.float64)
    near = line([0, 1], 1)
    expected = 0.0
    for half in (slice(0, 2), slice(2, 4)):
        expected += 0.5 * float(encoder_information(near, method, z=near.mean + noise[half]))
    extra = math.log(3) if method == "loo" else math.log(2)
    value = float(encoder_information(codes, method, z=codes.mean + 1e-3 * noise))
    assert value == pytest.approx(expected + extra, abs=2e-6)


def test_float32_codes_give_float32_with_float64_arithmetic():
    codes, _ = drawn(9)
    sharp = GaussianCodes(codes.mean.float() + 100, torch.full_like(codes.mean, 1e-3).float())
    value = encoder_information(sharp, z=sharp.mean)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(math.log(12), abs=1e-6)


def test_one_input_tells_nothing_and_loo_refuses_it():
    codes = line([3], 1)
    for method in METHODS:
        if method != "loo":
            assert float(encoder_information(codes, method)) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="nobody to be compared with"):
        encoder_information(codes, "loo")
    pair = line([0, 1, 2], 1)
    lonely = torch.tensor([0, 0, 1])
    with pytest.raises(ValueError, match="nobody to be compared with"):
        conditional_encoder_information(pair, lonely, "loo")
    assert conditional_encoder_information(pair, lonely, "mc") < math.log(2)


def test_equal_codes_tell_nothing():
    codes = line([2] * 9, 0.3)
    for method in METHODS:
        assert float(encoder_information(codes, method)) == pytest.approx(0, abs=1e-12)


def test_draws_are_reproducible_and_have_the_codes_moments():
    codes = GaussianCodes(torch.full((20_000, 2), 3.0), torch.full((20_000, 2), 0.5))
    z = codes.sample(torch.Generator().manual_seed(3))
    assert torch.equal(z, codes.sample(torch.Generator().manual_seed(3)))
    assert z.mean().item() == pytest.approx(3, abs=0.02)
    assert z.std().item() == pytest.approx(0.5, abs=0.01)
    assert encoder_information(line([0, 1], 1), generator=torch.Generator().manual_seed(1)) == encoder_information(
        line([0, 1], 1), generator=torch.Generator().manual_seed(1)
    )


@pytest.mark.parametrize(
    ("mean", "std", "error", "words"),
    [
        (torch.zeros(3), torch.ones(3), ValueError, "expected the same"),
        (torch.zeros(3, 2), torch.ones(3, 1), ValueError, "expected the same"),
        (torch.zeros(0, 2), torch.ones(0, 2), ValueError, "not empty"),
        (torch.zeros(3, 2), torch.zeros(3, 2), ValueError, "smallest entry of 0.0; expected all > 0"),
        (torch.zeros(3, 2), torch.full((3, 2), math.nan), ValueError, "std holds NaN"),
        (torch.full((3, 2), math.inf), torch.ones(3, 2), ValueError, "mean holds NaN or infinite"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.ones(3, 2), TypeError, "mean has dtype"),
    ],
)
def test_codes_refuse_bad_input(mean, std, error, words):
    with pytest.raises(error, match=words):
        GaussianCodes(mean, std)


def test_estimators_refuse_bad_input():
    codes, z = drawn(0)
    with pytest.raises(ValueError, match="method is 'ksg'; expected one of mc, loo"):
        encoder_information(codes, "ksg")
    with pytest.raises(ValueError, match=r"z has shape \(11, 3\)"):
        encoder_information(codes, z=z[:-1])
    with pytest.raises(ValueError, match="z holds NaN"):
        encoder_information(codes, z=z * math.nan)
    with pytest.raises(TypeError, match=r"labels have dtype torch\.float32; expected integers"):
        conditional_encoder_information(codes, torch.zeros(12))
    with pytest.raises(ValueError, match=r"labels have shape \(3,\)"):
        conditional_encoder_information(codes, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"expected \(N, 1\)"):
        quadrature_information(codes)
    with pytest.raises(ValueError, match="points is 100"):
        quadrature_information(line([0, 1], 1), points=100)
