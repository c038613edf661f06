"""Coverage of the finite bound over drawn training sets, and the memoriser, drawn and in closed form."""

import math

import numpy as np
import pytest

from corelib.information.generalization.coverage import (
    coverage_study,
    draw_world,
    hash_encoder,
    majority_decoder,
    memoriser,
    memoriser_encoder,
    simulate_memoriser,
    zero_one_loss,
)
from corelib.information.generalization.finite_world import finite_information, ib_generalization_bound

pytestmark = pytest.mark.ch01

SIZES = [1, 2, 4, 8, 16, 32, 64]


@pytest.fixture(scope="module")
def study():
    return coverage_study(draw_world(64, 4, 0.3, 0), SIZES, 500, 0.05, n_draws=400, rng=1)


def test_the_bound_fails_at_most_as_often_as_delta_allows(study):
    assert study.gaps.shape == study.bounds.shape == (7, 400)
    assert (study.violations <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)).all()


def test_small_codes_are_bounded_within_a_small_factor_and_large_ones_have_the_larger_gap(study):
    assert study.bounds[0].max() < 6 * study.gaps[0].max()
    assert study.gaps[-1].mean() > 3 * study.gaps[0].mean()
    assert (np.diff(study.bounds.mean(1)) > 0).all()
    assert (np.diff(study.information) > 0).all()


def test_a_draw_of_the_study_can_be_recomputed_by_hand():
    p_xy, n = draw_world(6, 3, 0.5, 0), 40
    study = coverage_study(p_xy, [4], n, 0.1, n_draws=2, rng=5)
    counts = np.random.default_rng(5).multinomial(n, (p_xy / p_xy.sum()).ravel(), size=2)[1].reshape(6, 3)
    wrong_test, wrong_train, best = 0.0, 0, {}
    for z in range(4):
        seen = counts[[x for x in range(6) if x % 4 == z]].sum(0)
        best[z] = int(seen.argmax())
    for x, y in np.ndindex(6, 3):
        if best[x % 4] != y:
            wrong_test += p_xy[x, y]
            wrong_train += counts[x, y]
    assert study.errors[0, 1] == pytest.approx(wrong_test, abs=1e-12)
    assert study.gaps[0, 1] == pytest.approx(wrong_test - wrong_train / n, abs=1e-12)
    loss = zero_one_loss([best[z] for z in range(4)], 3)
    terms = ib_generalization_bound(p_xy, hash_encoder(6, 4), loss, n, 0.1)
    assert study.bounds[0, 1] == pytest.approx(terms.value, rel=1e-12)
    assert study.weights[0, 1] == pytest.approx(terms.weight, rel=1e-12)


@pytest.mark.parametrize(("concentration", "error", "bound"), [(0.3, 0.32, 0.565), (0.02, 0.047, 0.081)])
def test_a_large_code_costs_more_than_counting_decoders_unless_the_decoder_is_good(concentration, error, bound):
    """64 codes, 2000 pairs, mean of ten worlds: the union bound is 0.151 in both regimes."""
    studies = [
        coverage_study(draw_world(64, 4, concentration, seed), [64], 2000, 0.05, n_draws=20, rng=1)
        for seed in range(10)
    ]
    found = np.mean([s.bounds.mean() for s in studies])
    assert np.mean([s.errors.mean() for s in studies]) == pytest.approx(error, abs=0.02)
    assert found == pytest.approx(bound, abs=0.03)
    assert (found < studies[0].union_bounds[0]) == (error < 0.1)
    assert studies[0].union_bounds[0] == pytest.approx(0.151, abs=1e-3)


def test_an_encoder_chosen_after_the_fact_keeps_the_bound_once_it_pays():
    """Of 200 random one-bit codes the one with the largest gap is taken; the prior is uniform over the 200."""
    rng, n, delta, n_draws, n_codes = np.random.default_rng(0), 100, 0.2, 150, 200
    p_xy = draw_world(16, 2, 1.0, rng)
    counts = rng.multinomial(n, p_xy.ravel() / p_xy.sum(), size=n_draws).reshape(n_draws, 16, 2)
    gaps, fixed, learned = [], [], []
    for _ in range(n_codes):
        encoder = np.eye(2)[rng.integers(2, size=16)]
        counts_zy = encoder.T @ counts
        loss = zero_one_loss(majority_decoder(counts_zy), 2)
        gaps.append((loss * (encoder.T @ p_xy - counts_zy / n)).sum((1, 2)))
        fixed.append(ib_generalization_bound(p_xy, encoder, loss, n, delta).value)
        paid = ib_generalization_bound(p_xy, encoder, loss, n, delta, log_prior=-math.log(n_codes))
        learned.append(paid.value)
    gaps, fixed, learned = np.array(gaps), np.array(fixed), np.array(learned)
    chosen = gaps.argmax(0), np.arange(n_draws)
    assert (gaps[chosen] > learned[chosen]).mean() <= delta
    assert (gaps[chosen] / fixed[chosen]).mean() > 1.2 * (gaps / fixed).mean()  # the choice matters


def test_codes_and_worlds_are_probabilities():
    p_xy = draw_world(50, 3, 0.01, 0)
    np.testing.assert_allclose(p_xy.sum(1), 1 / 50, rtol=1e-12)
    assert p_xy.min() >= 0
    np.testing.assert_array_equal(draw_world(50, 3, 0.01, 0), p_xy)
    assert not np.array_equal(draw_world(50, 3, 0.01, 1), p_xy)
    assert draw_world(50, 3, 1e5, 0).std() < 1e-4
    encoder = hash_encoder(7, 3)
    assert encoder.argmax(1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert encoder.sum(1).tolist() == [1] * 7
    assert hash_encoder(2, 4).shape == (2, 4)  # codes may stay unused


def test_the_decoder_takes_the_lowest_of_equal_labels_and_no_decoder_does_better():
    assert majority_decoder([[1, 3, 3], [0, 0, 0]]).tolist() == [1, 0]
    counts = np.random.default_rng(0).integers(0, 5, size=(3, 3))
    errors = [
        (zero_one_loss(decoder, 3) * counts).sum() for decoder in np.stack(np.indices((3, 3, 3)), -1).reshape(-1, 3)
    ]
    assert (zero_one_loss(majority_decoder(counts), 3) * counts).sum() == min(errors)


def test_the_memoriser_knows_little_and_breaks_the_bound_of_a_fixed_encoder():
    found = memoriser(100_000, 200, 5, 0.05)
    assert found.information == pytest.approx(0.0144, abs=5e-5)
    assert found.train_error == 0
    assert found.gap == pytest.approx(0.7984, abs=1e-9)
    assert found.fixed_bound == pytest.approx(0.411, abs=5e-4)
    assert found.gap > found.fixed_bound
    assert found.log_prior == pytest.approx(-1439, abs=0.5)
    assert found.learned_bound == pytest.approx(6.79, abs=5e-3)


def test_a_drawn_memoriser_agrees_with_the_closed_form():
    closed = memoriser(100_000, 200, 5, 0.05)
    for seed in range(3):
        drawn = simulate_memoriser(100_000, 200, 5, 0.05, seed)
        assert drawn.train_error == 0
        # Two or three of 200 values may repeat, which takes 1 % off the share that was seen.
        assert drawn.information == pytest.approx(closed.information, rel=0.02)
        assert drawn.gap == pytest.approx(closed.gap, abs=1e-3)
        assert drawn.fixed_bound == pytest.approx(closed.fixed_bound, abs=1e-3)
        assert drawn.gap > drawn.fixed_bound
        assert drawn.learned_bound == pytest.approx(closed.learned_bound, rel=0.02)
        assert drawn.learned_bound > drawn.gap


@pytest.mark.parametrize(("n_values", "n_seen", "n_classes"), [(20, 10, 2), (30, 3, 3), (12, 12, 4)])
def test_a_table_with_equal_shares_of_the_labels_is_the_closed_form_exactly(n_values, n_seen, n_classes):
    labels = np.arange(n_values) % n_classes
    encoder = memoriser_encoder(labels, np.arange(n_values) < n_seen, n_classes)
    p_xy = np.eye(n_classes)[labels] / n_values
    loss = zero_one_loss([0, *range(n_classes)], n_classes)
    closed = memoriser(n_values, n_seen, n_classes, 0.1)
    assert finite_information(p_xy, encoder).i_xz_given_y == pytest.approx(closed.information, abs=1e-12)
    assert ib_generalization_bound(p_xy, encoder, loss, n_seen, 0.1).value == pytest.approx(closed.fixed_bound)
    assert (loss * (encoder.T @ p_xy)).sum() == pytest.approx(closed.gap, abs=1e-12)
    assert closed.log_prior == pytest.approx(-math.log(math.comb(n_values, n_seen)), abs=1e-9)


def test_the_learned_bound_covers_small_memorisers_too():
    """A world small enough that the price of the table is not absurd, and the gap changes from draw to draw."""
    found = [simulate_memoriser(200, 20, 2, 0.1, seed) for seed in range(50)]
    assert all(m.train_error == 0 and m.gap <= m.learned_bound for m in found)
    assert np.mean([m.gap for m in found]) == pytest.approx(0.5 * (1 - 1 / 200) ** 20, abs=0.02)


def test_bad_input_is_named():
    world = draw_world(4, 2, 1.0, 0)
    with pytest.raises(ValueError, match="concentration is 0"):
        draw_world(4, 2, 0, 0)
    with pytest.raises(TypeError, match=r"n_inputs is 4\.0"):
        draw_world(4.0, 2, 1.0, 0)
    with pytest.raises(ValueError, match="n_symbols is 0"):
        hash_encoder(4, 0)
    with pytest.raises(ValueError, match="code_sizes is empty"):
        coverage_study(world, [], 10, 0.1, n_draws=2, rng=0)
    with pytest.raises(ValueError, match="p_xy sums to"):
        coverage_study(world * 2, [2], 10, 0.1, n_draws=2, rng=0)
    with pytest.raises(ValueError, match="n_draws is 0"):
        coverage_study(world, [2], 10, 0.1, n_draws=0, rng=0)
    with pytest.raises(ValueError, match="delta is 1"):
        coverage_study(world, [2], 10, 1.0, n_draws=2, rng=0)
    with pytest.raises(ValueError, match=r"counts has shape \(2, 2\)"):
        majority_decoder([[1, np.nan], [0, 1]])
    with pytest.raises(ValueError, match=r"decoder lies in \[0, 2\]"):
        zero_one_loss([0, 2], 2)
    with pytest.raises(TypeError, match="decoder holds float64"):
        zero_one_loss([0.0, 1.0], 2)
    with pytest.raises(ValueError, match="seen is int64"):
        memoriser_encoder(np.array([0, 1]), np.array([0, 1]), 2)
    with pytest.raises(ValueError, match=r"labels lies in \[-1, 1\]"):
        memoriser_encoder(np.array([-1, 1]), np.array([True, False]), 2)
    with pytest.raises(ValueError, match="n is 11; expected at most"):
        memoriser(10, 11, 2, 0.1)
    with pytest.raises(ValueError, match="n_classes is 1"):
        memoriser(10, 5, 1, 0.1)
    with pytest.raises(ValueError, match="n_values is 11; expected a multiple"):
        simulate_memoriser(11, 5, 2, 0.1, 0)
