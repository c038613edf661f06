"""Forecast errors and distances of statistics: values by hand, invariances, closed forms, and truths without scale."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.koopman.metrics import nrmse, spectral_error, state_kld

pytestmark = pytest.mark.ch05


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(*frequencies, times=200, phase=0.0):
    t = torch.arange(times, dtype=torch.float64)[:, None]
    return torch.sin(2 * math.pi * torch.tensor(frequencies, dtype=torch.float64) * t + phase)


def test_each_denominator_has_its_hand_value():
    true, pred = torch.tensor([1.0, 3, 5, 7]), torch.tensor([2.0, 4, 6, 8])
    assert nrmse(pred, true, normalise="std").item() == pytest.approx(1 / math.sqrt(5))
    assert nrmse(pred, true, normalise="range").item() == pytest.approx(1 / 6)
    assert nrmse(pred, true, normalise="norm").item() == pytest.approx(1 / math.sqrt(21))


def test_the_mean_and_zero_are_the_forecasts_of_error_one():
    true = 4 + normal(30, 5)
    assert nrmse(true.mean().expand(30, 5), true, normalise="std").item() == pytest.approx(1)
    assert nrmse(torch.zeros(30, 5), true, normalise="norm").item() == pytest.approx(1)
    assert nrmse(true, true, normalise="range") == 0


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["std", "range", "norm"]), st.floats(1e-3, 1e3), st.floats(-5, 5))
def test_units_do_not_count_and_an_offset_only_for_the_norm(normalise, scale, offset):
    pred, true = normal(20), normal(20, seed=1)
    before = nrmse(pred, true, normalise=normalise).item()
    assert nrmse(scale * pred, scale * true, normalise=normalise).item() == pytest.approx(before)
    shifted = nrmse(pred + offset, true + offset, normalise=normalise).item()
    size = math.sqrt((true**2).mean() / ((true + offset) ** 2).mean()) if normalise == "norm" else 1
    assert shifted == pytest.approx(before * size)


def test_errors_along_an_axis_share_one_scale():
    true, pred = normal(4, 6, 3), normal(4, 6, 3, seed=1)
    along = nrmse(pred, true, normalise="std", per=1)
    assert along.shape == (6,)
    scale = true.std(correction=0)
    assert along[2].item() == pytest.approx(((pred - true)[:, 2] ** 2).mean().sqrt().item() / scale.item())
    whole = nrmse(pred, true, normalise="std")
    assert (along**2).mean().sqrt().item() == pytest.approx(whole.item())
    torch.testing.assert_close(nrmse(pred, true, normalise="std", per=-2), along)
    assert nrmse(torch.ones(3), torch.arange(3.0), normalise="range", per=0).tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("normalise", ["std", "range", "norm"])
def test_a_truth_without_scale_is_refused(normalise):
    true = torch.full((7,), 0.0 if normalise == "norm" else 0.1)
    with pytest.raises(ValueError, match="scale 0"):
        nrmse(torch.ones(7), true, normalise=normalise)


def test_bad_forecasts_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        nrmse(torch.ones(3), torch.ones(4), normalise="std")
    with pytest.raises(ValueError, match="pred has a NaN"):
        nrmse(torch.tensor([math.nan, 1]), torch.ones(2), normalise="norm")
    with pytest.raises(ValueError, match="normalise is 'mean'"):
        nrmse(torch.ones(2), torch.ones(2), normalise="mean")
    with pytest.raises(ValueError, match="per is 1; expected an axis"):
        nrmse(torch.ones(2), torch.arange(2.0), normalise="std", per=1)
    with pytest.raises(TypeError):
        nrmse(torch.ones(2), torch.ones(2))


def test_amplitude_offset_and_phase_leave_the_spectrum():
    true = waves(0.1, 0.25)
    same = 7 * waves(0.1, 0.25, phase=1.0) + 3
    assert spectral_error(same, true, smoothing=0).item() == pytest.approx(0, abs=1e-6)
    assert spectral_error(true, true) == 0


def test_other_frequencies_have_no_power_in_common():
    assert spectral_error(waves(0.3), waves(0.1), smoothing=0).item() == pytest.approx(1, abs=1e-9)


def test_half_of_the_power_elsewhere_has_its_hand_value():
    """Hellinger distance of (1, 0) and (1/2, 1/2)."""
    pred = waves(0.1) + waves(0.3)
    expected = math.sqrt(1 - math.sqrt(0.5))
    assert spectral_error(pred, waves(0.1), smoothing=0).item() == pytest.approx(expected, abs=1e-6)


def test_smoothing_forgives_a_small_shift_of_frequency_and_no_large_one():
    true = waves(0.1)
    near, far = spectral_error(waves(0.105), true), spectral_error(waves(0.3), true)
    assert near < 0.3 < 0.99 < far
    assert spectral_error(waves(0.105), true, smoothing=0) > 0.99


def test_a_forecast_that_dies_has_the_largest_error():
    assert spectral_error(torch.full((200, 1), 0.1), waves(0.1)) == 1


@pytest.mark.parametrize("times", [4, 5, 51])
def test_short_and_odd_series_and_batches_have_an_error(times):
    true, pred = normal(3, times, 2), normal(3, times, 2, seed=1)
    error = spectral_error(pred, true)
    assert 0 < error < 1 and error.ndim == 0
    torch.testing.assert_close(spectral_error(true, pred), error)


def test_spectra_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="does not change in time"):
        spectral_error(waves(0.1), torch.full((200, 1), 0.1))
    with pytest.raises(ValueError, match="T >= 4"):
        spectral_error(torch.ones(3, 2), torch.ones(3, 2))
    with pytest.raises(ValueError, match="smoothing is -1"):
        spectral_error(waves(0.1), waves(0.1), smoothing=-1)
    with pytest.raises(ValueError, match="NaN"):
        spectral_error(math.nan * waves(0.1), waves(0.1))


def test_two_bins_have_their_hand_value():
    """Counts (0, 3, 1, 0) against (0, 1, 1, 2), each with half a count more; a total of 6."""
    true, pred = torch.tensor([[0.0], [0.1], [0.2], [1.0]]), torch.tensor([[0.1], [0.7], [3.0], [4.0]])
    expected = (3.5 * math.log(3.5 / 1.5) + 0.5 * math.log(0.5 / 2.5)) / 6
    assert state_kld(pred, true, bins=2).item() == pytest.approx(expected)


def test_the_divergence_of_many_normal_states_is_the_closed_form():
    true, pred = normal(400_000, 1), 0.5 + 1.5 * normal(400_000, 1, seed=1)
    expected = math.log(1.5) + (1 + 0.25) / (2 * 2.25) - 0.5
    assert state_kld(pred, true, bins=100).item() == pytest.approx(expected, abs=0.01)


def test_two_samples_of_one_law_are_close_and_the_same_sample_is_at_zero():
    states = normal(5000, 3)
    assert state_kld(states, states) == 0
    assert 0 < state_kld(normal(8000, 3, seed=1), states) < 4 * (50 / 16_000 + 50 / 10_000)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(1e-3, 1e3))
def test_the_divergence_is_never_negative_and_knows_no_units(seed, scale):
    pred, true = normal(50, 2, seed=seed), normal(70, 2, seed=seed + 100)
    divergence = state_kld(pred, true, bins=7)
    assert divergence >= 0
    assert state_kld(1024 * pred, 1024 * true, bins=7).item() == pytest.approx(divergence.item(), rel=1e-12)
    assert state_kld(pred * scale, true, bins=7) >= 0


def test_states_far_outside_cost_much_and_not_everything():
    true = normal(1000, 2)
    gone = state_kld(true + 1e6, true)
    assert 3 < gone < math.log(2 * 1000 + 52)


def test_histograms_that_do_not_exist_are_refused():
    states = normal(9, 2)
    with pytest.raises(ValueError, match="never changes"):
        state_kld(states, torch.cat([states[:, :1], torch.ones(9, 1)], 1))
    with pytest.raises(ValueError, match=r"expected \(N, n\) and \(M, n\)"):
        state_kld(states[:, :1], states)
    with pytest.raises(ValueError, match=r"expected \(N, n\) and \(M, n\)"):
        state_kld(states[:0], states)
    with pytest.raises(ValueError, match="bins is 1; expected an integer >= 2"):
        state_kld(states, states, bins=1)
    with pytest.raises(ValueError, match="pred has a NaN or infinite"):
        state_kld(math.inf * states, states)
