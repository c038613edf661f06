"""The recorder against two-pass means and variances of the same path."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.training.swag import SwagRecorder

pytestmark = pytest.mark.ch01


def path(steps, models=2, size=5, seed=0, offset=0.0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return offset + scale * torch.randn(steps, models, size, generator=generator, dtype=torch.float64)


def recorded(thetas, **options):
    recorder = SwagRecorder(**options)
    for theta in thetas:
        recorder.update(theta)
    return recorder.posteriors()


@settings(max_examples=15)
@given(st.integers(2, 12), st.integers(2, 6), st.integers(0, 1000))
def test_mean_variance_and_deviations_are_those_of_the_path(steps, rank, seed):
    thetas = path(steps, seed=seed)
    kept = min(rank, steps)
    running = torch.stack([thetas[: t + 1].mean(0) for t in range(steps)])
    deviations = (thetas - running)[-kept:]  # each from the mean as it was then
    for m, posterior in enumerate(recorded(thetas, rank=rank)):
        torch.testing.assert_close(posterior.mean, thetas[:, m].mean(0))
        torch.testing.assert_close(posterior.diag, thetas[:, m].var(0, correction=0) + 1e-6)
        torch.testing.assert_close(posterior.factor, deviations[:, m].T / (kept - 1) ** 0.5)


def test_draws_and_density_share_one_covariance():
    (posterior,) = recorded(path(30, models=1), rank=4)
    theta = posterior.sample(20_000, torch.Generator().manual_seed(0))
    assert posterior.log_prob(theta).mean().item() == pytest.approx(-posterior.entropy(), abs=4 * (2.5 / 20_000) ** 0.5)


def test_a_model_has_the_same_posterior_alone():
    thetas = path(7, models=3)
    (alone,) = recorded(thetas[:, 1:2])
    beside = recorded(thetas)[1]
    assert all(torch.equal(getattr(alone, name), getattr(beside, name)) for name in ("mean", "diag", "factor"))


def test_tiny_steps_far_from_zero_keep_their_variance():
    # The mean of squares less the square of the mean would have nothing left of 1e-5 squared beside 1e4 squared.
    thetas = path(50, models=1, offset=1e4, scale=1e-5)
    (posterior,) = recorded(thetas, jitter=1e-30)
    torch.testing.assert_close(posterior.diag, (thetas[:, 0] - 1e4).var(0, correction=0), rtol=1e-4, atol=0)


def test_parameters_that_stand_still_leave_the_jitter():
    (posterior,) = recorded([torch.ones(1, 3)] * 4, jitter=1e-4)
    assert torch.equal(posterior.diag, torch.full((3,), 1e-4, dtype=torch.float64))
    assert not posterior.factor.any() and torch.equal(posterior.mean, torch.ones(3, dtype=torch.float64))


def test_what_was_recorded_survives_later_changes():
    recorder, theta = SwagRecorder(), torch.zeros(1, 2)
    recorder.update(theta)
    theta += 1  # training moves parameters in place
    recorder.update(theta)
    (before,) = recorder.posteriors()
    kept = before.mean.clone()
    recorder.update(theta + 5)
    assert torch.equal(before.mean, kept) and kept.tolist() == [0.5, 0.5]
    assert recorder.posteriors()[0].mean.tolist() == pytest.approx([7 / 3, 7 / 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 1}, "rank is 1; expected an integer >= 2"),
        ({"jitter": 0.0}, "jitter is 0.0"),
        ({"jitter": math.nan}, "jitter"),
    ],
)
def test_settings_that_give_no_distribution_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SwagRecorder(**options)


def test_paths_that_do_not_fit_are_refused():
    recorder = SwagRecorder()
    with pytest.raises(ValueError, match="0 parameter vectors were taken in; expected at least 2"):
        recorder.posteriors()
    with pytest.raises(ValueError, match=r"expected \(E, P\)"):
        recorder.update(torch.zeros(3))
    recorder.update(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 4\); expected \(2, 3\)"):
        recorder.update(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="NaN"):
        recorder.update(torch.full((2, 3), math.nan))
    with pytest.raises(ValueError, match="1 parameter vectors"):
        recorder.posteriors()
