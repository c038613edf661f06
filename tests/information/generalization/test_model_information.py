"""Low-rank Gaussians against dense ones, and the two numbers made of them: one without a ceiling, one below ln M."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, kl_divergence

from corelib.information.generalization.model_information import (
    LowRankGaussian,
    model_information,
    model_information_mc,
)

pytestmark = pytest.mark.ch01


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def first():
    return LowRankGaussian(vector(0, 1, -1), vector(1, 0.5, 2), vector(0.5, 0, 1)[:, None])


def second():
    return LowRankGaussian(vector(0.5, 0, 0), vector(2, 1, 1), vector(0, 1, 0.5)[:, None])


def drawn(seed, dimension=6, rank=3, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    mean, diag = scale * torch.randn(dimension, generator=generator), 0.1 + torch.rand(dimension, generator=generator)
    return LowRankGaussian(mean, diag, torch.randn(dimension, rank, generator=generator))


def dense(gaussian):
    return MultivariateNormal(gaussian.mean, torch.diag(gaussian.diag) + gaussian.factor @ gaussian.factor.T)


def test_divergences_of_the_worked_example():
    assert first().kl(second()) == pytest.approx(1.7638975, abs=1e-7)
    assert second().kl(first()) == pytest.approx(2.3224121, abs=1e-7)


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(0, 10), st.integers(0, 10))
def test_everything_agrees_with_the_dense_distribution(seed, dimension, rank, other_rank):
    mine, other = drawn(seed, dimension, rank), drawn(seed + 1, dimension, other_rank)
    theta = mine.sample(4, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(mine.log_prob(theta), dense(mine).log_prob(theta), rtol=1e-9, atol=1e-9)
    assert mine.entropy() == pytest.approx(dense(mine).entropy().item(), rel=1e-9, abs=1e-9)
    assert mine.kl(other) == pytest.approx(kl_divergence(dense(mine), dense(other)).item(), rel=1e-8, abs=1e-8)


def test_thousands_of_dimensions_agree_with_torchs_own_low_rank_distribution():
    mine, other = drawn(0, 4000, 10), drawn(1, 4000, 7)
    peers = [LowRankMultivariateNormal(g.mean, g.factor, g.diag) for g in (mine, other)]
    theta = peers[0].mean + 0.1
    assert mine.log_prob(theta).item() == pytest.approx(peers[0].log_prob(theta).item(), rel=1e-11)
    assert mine.kl(other) == pytest.approx(kl_divergence(*peers).item(), rel=1e-10)


def test_draws_have_the_mean_and_covariance_that_the_density_has():
    theta = first().sample(200_000, torch.Generator().manual_seed(0))
    covariance = dense(first()).covariance_matrix
    # Four standard errors: variances are at most 3, so entries of the covariance vary by at most 3 sqrt(2 / n).
    torch.testing.assert_close(theta.mean(0), first().mean, rtol=0, atol=0.016)
    torch.testing.assert_close(theta.T.cov(), covariance, rtol=0, atol=0.038)


def test_log_density_of_own_draws_averages_to_minus_the_entropy():
    log_density = drawn(3).log_prob(drawn(3).sample(100_000, torch.Generator().manual_seed(0)))
    assert log_density.mean().item() == pytest.approx(-drawn(3).entropy(), abs=4 * math.sqrt(6 / 2 / 100_000))


def test_log_ratios_of_draws_average_to_the_divergence():
    theta = first().sample(200_000, torch.Generator().manual_seed(1))
    ratio = first().log_prob(theta) - second().log_prob(theta)
    assert first().kl(second()) == pytest.approx(ratio.mean().item(), abs=4 * ratio.std().item() / 200_000**0.5)


def test_deviations_unscaled_and_clamped_are_the_density_of_another_distribution():
    # The pitfall of the released code: draws use F, the density sqrt(K - 1) F with its negative entries cut off.
    mine, rank = drawn(5, 50, 10), 10
    mistaken = LowRankGaussian(mine.mean, mine.diag, (mine.factor * (rank - 1) ** 0.5).clamp(min=1e-30))
    theta = mine.sample(2000, torch.Generator().manual_seed(0))
    assert mine.log_prob(theta).mean().item() == pytest.approx(-mine.entropy(), abs=4 * (50 / 2 / 2000) ** 0.5)
    assert -mine.entropy() - mistaken.log_prob(theta).mean().item() > 10


def test_a_marginal_is_the_distribution_of_those_coordinates():
    mine, columns = drawn(2), torch.tensor([4, 0, 1])
    theta, other = torch.zeros(3, dtype=torch.float64), MultivariateNormal
    covariance = dense(mine).covariance_matrix[columns][:, columns]
    expected = other(mine.mean[columns], covariance).log_prob(theta).item()
    assert mine.marginal(columns).log_prob(theta).item() == pytest.approx(expected, rel=1e-10)
    assert mine.marginal(slice(2)).kl(drawn(3).marginal(slice(2))) <= mine.kl(drawn(3))


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-1e6, 1e6))
def test_a_common_affine_map_changes_no_divergence(seed, scale, shift):
    def mapped(g):
        return LowRankGaussian(scale * g.mean + shift, scale**2 * g.diag, scale * g.factor)

    mine, other = drawn(seed), drawn(seed + 1)
    # Shifted means lose digits in proportion to shift / scale.
    lost = 1e-9 + 1e-14 * abs(shift) / scale
    assert mapped(mine).kl(mapped(other)) == pytest.approx(mine.kl(other), rel=lost, abs=lost)


def test_numbers_of_trained_networks_keep_their_digits():
    # Variances at the floor of 1e-6 beside deviations of size 1: the parts that cancel are near 1e9.
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(1000, 10, generator=generator, dtype=torch.float64)
    mine = LowRankGaussian(torch.full((1000,), 1e3), torch.full((1000,), 1e-6), factor)
    theta = mine.sample(200, generator)
    assert mine.log_prob(theta).mean().item() == pytest.approx(-mine.entropy(), abs=4 * (500 / 200) ** 0.5)
    assert mine.kl(LowRankGaussian(mine.mean.clone(), mine.diag, factor.flip(1))) == pytest.approx(0, abs=1e-4)


def test_equal_posteriors_tell_nothing():
    assert model_information([first()] * 3) == pytest.approx(0, abs=1e-12)
    assert model_information([first()]) == model_information_mc([first()]) == 0
    assert model_information_mc([first()] * 3, 5, torch.Generator().manual_seed(0)) == pytest.approx(0, abs=1e-12)


def test_model_information_averages_over_all_ordered_pairs_self_pairs_included():
    assert model_information([first(), second()]) == pytest.approx((1.7638975 + 2.3224121) / 4, abs=1e-7)


def test_the_order_of_training_sets_does_not_matter():
    posteriors = [drawn(seed) for seed in range(4)]
    assert model_information(posteriors[::-1]) == pytest.approx(model_information(posteriors), rel=1e-12)


def test_averaging_the_papers_estimator_over_draws_converges_to_the_closed_form():
    posteriors = [drawn(seed, scale=0.3) for seed in range(3)]
    means, variances = [], []
    for posterior in posteriors:
        theta = posterior.sample(50_000, torch.Generator().manual_seed(0))
        others = torch.stack([other.log_prob(theta) for other in posteriors]).mean(0)
        found = posterior.log_prob(theta) - others
        means.append(found.mean())
        variances.append(found.var() / 50_000)
    error = 4 * torch.stack(variances).sum().sqrt().item() / 3
    assert model_information(posteriors) == pytest.approx(torch.stack(means).mean().item(), abs=error)


def test_information_stops_at_ln_m_where_the_mean_divergence_has_no_ceiling():
    def at(place):
        return LowRankGaussian(vector(place, 0), vector(1e-6, 1e-6), torch.zeros(2, 1))

    posteriors = [at(0.0), at(1.0), at(2.0)]
    assert model_information(posteriors) == pytest.approx((4 * 1 + 2 * 4) * 0.5e6 / 9, rel=1e-9)
    assert model_information_mc(posteriors, 3, torch.Generator().manual_seed(0)) == pytest.approx(
        math.log(3), abs=1e-12
    )


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(0, 3))
def test_information_from_draws_never_exceeds_ln_m(seed, count, scale):
    posteriors = [drawn(seed + m, scale=scale) for m in range(count)]
    assert model_information_mc(posteriors, 3, torch.Generator().manual_seed(seed)) <= math.log(count) + 1e-12


def test_information_from_draws_finds_the_two_point_value():
    # N(-1, 1) or N(1, 1) with equal chances: 0.336831 nats by quadrature.
    posteriors = [LowRankGaussian(vector(m), vector(0.75), vector(0.5)[:, None]) for m in (-1.0, 1.0)]
    assert model_information_mc(posteriors, 40_000, torch.Generator().manual_seed(0)) == pytest.approx(
        0.33683, abs=0.01
    )


def test_one_seed_gives_the_same_draws():
    found = [model_information_mc([first(), second()], 4, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("mean", "diag", "factor", "message"),
    [
        (torch.zeros(2), torch.ones(3), torch.ones(2, 1), "shapes"),
        (torch.zeros(2), torch.ones(2), torch.ones(2), "shapes"),
        (torch.zeros(0), torch.ones(0), torch.ones(0, 1), "P >= 1"),
        (torch.zeros(2), torch.tensor([1.0, 0.0]), torch.ones(2, 1), "expected all > 0"),
        (torch.tensor([0.0, math.nan]), torch.ones(2), torch.ones(2, 1), "mean holds NaN"),
        (torch.zeros(2), torch.ones(2), torch.full((2, 1), math.inf), "factor holds NaN"),
    ],
)
def test_a_distribution_that_is_none_is_refused(mean, diag, factor, message):
    with pytest.raises(ValueError, match=message):
        LowRankGaussian(mean, diag, factor)


def test_questions_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="n is 0; expected an integer >= 1"):
        first().sample(0)
    for theta in (torch.zeros(2), torch.zeros(()), torch.tensor([0.0, math.nan, 0.0])):
        with pytest.raises(ValueError, match=r"expected \(\.\.\., 3\), all finite"):
            first().log_prob(theta)
    with pytest.raises(ValueError, match="other has 6 dimensions; expected 3"):
        first().kl(drawn(0))
    for call in (model_information, model_information_mc):
        with pytest.raises(ValueError, match=r"dimensions \[\]"):
            call([])
        with pytest.raises(ValueError, match=r"dimensions \[3, 6\]"):
            call([first(), drawn(0)])
