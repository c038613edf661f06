"""The street study on small made-up flows: standardised data, errors with known values, sweeps, what it refuses."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from corelib.koopman import street_study
from corelib.koopman.autoencoders import ResidualEncoder, forecast
from corelib.koopman.information_loss import InformationLoss
from corelib.koopman.lattice_boltzmann import Flow
from corelib.koopman.street_study import (
    HORIZON,
    LATENTS,
    RUNS,
    STARTS,
    STREET_SETTINGS,
    StreetSetting,
    street_data,
    street_dmd_errors,
    street_errors,
    street_flows,
    street_sweep,
    train_street,
)

pytestmark = pytest.mark.ch05

FRAMES, SHAPE, RANK = 240, (2, 4, 5), 6


def flow_of(velocity, frame_time=0.3):
    """A flow with nothing but its velocities."""
    unused = torch.zeros(1, dtype=torch.float64)
    return Flow(velocity.double(), frame_time, unused, 0.1, unused, torch.zeros(1, dtype=torch.bool))


def linear_flows(runs=4, frames=FRAMES, seed=0, noise=0.0):
    """A mean and three waves that keep, lose and gain little: linear dynamics, of rank 7 at most."""
    generator = torch.Generator().manual_seed(seed)
    mean, *shapes = torch.randn(7, *SHAPE, generator=generator, dtype=torch.float64)
    time = torch.arange(frames, dtype=torch.float64)
    flows = []
    for phase in range(runs):
        v = mean.expand(frames, *SHAPE).clone()
        for wave, (angle, growth) in enumerate([(0.3, 0.0), (0.6, -2e-3), (0.15, 1e-3)]):
            turned = angle * time + phase
            size = torch.exp(growth * time)[:, None, None, None]
            v += size * turned.cos()[:, None, None, None] * shapes[2 * wave]
            v += size * turned.sin()[:, None, None, None] * shapes[2 * wave + 1]
        flows.append(flow_of(v + noise * torch.randn(v.shape, generator=generator, dtype=torch.float64)))
    return flows


@pytest.fixture(scope="module")
def data():
    return street_data(linear_flows(noise=0.05), rank=RANK)


@pytest.fixture(scope="module")
def run(data):
    return train_street(data, StreetSetting(), steps=2, snapshots=[0], progress=False)


def train(data, setting=None, **options):
    return train_street(data, setting or StreetSetting(), **({"steps": 2, "progress": False} | options))


# Data.


def test_training_fields_have_mean_zero_and_spread_one_in_each_component():
    flows = linear_flows()
    full = street_data(flows, rank=7)
    fields = full.pod.lift(full.train).unflatten(-1, SHAPE)
    torch.testing.assert_close(fields.mean((0, 1, 3, 4)), torch.zeros(2).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(fields.square().mean((0, 1, 3, 4)), torch.ones(2).double(), atol=1e-5, rtol=0)


def test_the_run_to_forecast_is_scaled_by_the_others_and_has_no_say_in_it():
    flows = linear_flows()
    plain = street_data(flows, rank=RANK)
    other = street_data([*flows[:-1], flow_of(3 * flows[-1].velocity)], rank=RANK)
    assert torch.equal(plain.train, other.train) and torch.equal(plain.pod.modes, other.pod.modes)
    training = torch.stack([flow.velocity for flow in flows[:-1]]).transpose(0, 2).flatten(1)
    mean, spread = training.mean(1)[:, None, None], training.std(1, correction=0)
    expected = (flows[-1].velocity - mean) / spread[:, None, None]
    torch.testing.assert_close(plain.truth, expected.flatten(1))
    torch.testing.assert_close(plain.spread, spread)
    torch.testing.assert_close(plain.velocity(plain.truth), flows[-1].velocity - mean)


def test_coefficients_are_the_projections_of_the_fields(data):
    assert data.train.shape == (3, FRAMES, RANK) and data.test.shape == (FRAMES, RANK)
    assert data.train.dtype == data.test.dtype == torch.float32
    torch.testing.assert_close(data.test, data.pod.project(data.truth).float())
    assert data.shape == SHAPE and data.frame_time == 0.3


def test_the_truncation_is_what_the_modes_cannot_show(data):
    missed = data.truth - data.truth @ data.pod.modes @ data.pod.modes.T
    assert data.truncation == pytest.approx(missed.square().mean().sqrt().item())
    assert data.truncation > 0.01 > 1e-9 > street_data(linear_flows(), rank=7).truncation


def test_two_flows_are_enough():
    data = street_data(linear_flows(2), rank=3)
    assert data.train.shape == (1, FRAMES, 3)


def spoiled(value):
    flows = linear_flows(3, 4)
    flows[-1].velocity[1, 0, 2, 2] = value
    return flows


def without_a_component():
    flows = linear_flows(3, 4)
    for flow in flows:
        flow.velocity[:, 1] = 0
    return flows


@pytest.mark.parametrize(
    ("flows", "rank", "error", "message"),
    [
        ([], 2, ValueError, "flows has 0 entries; expected at least two"),
        (linear_flows(1, 4), 2, ValueError, "flows has 1 entries"),
        (linear_flows(1, 4) + linear_flows(1, 5), 2, ValueError, "with velocities of one shape"),
        (spoiled(math.nan), 2, ValueError, "flows holds NaN or infinite velocities"),
        (spoiled(math.inf), 2, ValueError, "flows holds NaN or infinite velocities"),
        (without_a_component(), 2, ValueError, r"components of spread \[.*, 0\.0\]; expected velocities that vary"),
        (linear_flows(2, 4), 0, ValueError, "rank is 0; expected an integer >= 1"),
        (linear_flows(2, 4), 5, ValueError, "rank is 5; expected at most 4"),
        (linear_flows(2, 4), 1.0, TypeError, r"rank is 1\.0"),
    ],
)
def test_flows_that_cannot_be_standardised_or_projected_are_refused(flows, rank, error, message):
    with pytest.raises(error, match=message):
        street_data(flows, rank=rank)


def test_the_four_runs_are_simulated_with_their_own_disturbances(monkeypatch):
    asked = []
    monkeypatch.setattr(street_study, "vortex_street", lambda n, **options: asked.append((n, options)))
    assert len(street_flows(64)) == 4
    assert asked == [(64, {"amplitude": a, "phase": p}) for a, p in RUNS]


# Errors.


def futures(data, starts):
    """The true next 50 coefficients of each start, found by comparing the starts with the run."""
    frames = [int((data.test == start).all(1).nonzero()[0]) for start in starts]
    return torch.stack([data.test[i + 1 : i + 1 + HORIZON] for i in frames])


def test_a_perfect_forecast_misses_only_what_the_modes_cannot_show(data):
    errors = street_errors(data, lambda starts: futures(data, starts))
    missed = data.truth - data.pod.lift(data.pod.project(data.truth))
    for kind, frames in STARTS.items():
        for horizon in (1, 17, 50):
            expected = missed[[i + horizon for i in frames]].square().mean().sqrt().item()
            assert errors[kind][horizon - 1] == pytest.approx(expected, rel=1e-6)
        assert errors[kind].shape == (HORIZON,)


def test_with_all_modes_a_perfect_forecast_has_no_error():
    full = street_data(linear_flows(), rank=7)
    errors = street_errors(full, lambda starts: futures(full, starts))
    assert max(values.max() for values in errors.values()) < 1e-5


def test_a_forecast_off_by_a_constant_has_that_error():
    """The coefficients' scale keeps mean squares: .3 in every coefficient is .3 in the field."""
    full = street_data(linear_flows(), rank=7)
    errors = street_errors(full, lambda starts: futures(full, starts) + 0.3)
    for values in errors.values():
        np.testing.assert_allclose(values, 0.3, rtol=1e-5)


def test_no_forecast_beats_the_one_that_knows_the_future(data):
    best = street_errors(data, lambda starts: futures(data, starts))
    nudged = street_errors(data, lambda starts: futures(data, starts) + 1e-2)
    assert all((best[kind] < nudged[kind]).all() for kind in STARTS)


def test_the_mean_as_a_forecast_has_about_the_error_one(data):
    errors = street_errors(data, lambda starts: starts.new_zeros(len(starts), HORIZON, RANK))
    assert all(0.8 < values.mean() < 1.2 for values in errors.values())


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_forecast_that_overflows_has_an_infinite_error_from_there_on(data, value):
    def predict(starts):
        c = futures(data, starts).clone()
        c[2, 10:] = value
        return c

    for values in street_errors(data, predict).values():
        assert np.isfinite(values[:10]).all() and np.isposinf(values[10:]).all()


def test_dynamic_modes_forecast_linear_dynamics_down_to_rounding():
    flows = linear_flows()
    full = street_data(flows, rank=7)
    assert max(values.max() for values in street_dmd_errors(full, 7).values()) < 1e-3
    poor = street_dmd_errors(full, 2)
    assert min(values.mean() for values in poor.values()) > 0.1


def test_too_few_frames_are_refused_before_anything_is_trained(monkeypatch):
    needed = max(max(frames) for frames in STARTS.values()) + HORIZON + 1
    short = street_data(linear_flows(2, needed - 1), rank=2)
    message = f"data has {needed - 1} frames to forecast; expected at least {needed}"
    monkeypatch.setattr(street_study, "fit_koopman", lambda *_, **__: pytest.fail("trained in vain"))
    for attempt in (lambda: street_dmd_errors(short, 2), lambda: train(short)):
        with pytest.raises(ValueError, match=message):
            attempt()
    enough = street_data(linear_flows(2, needed), rank=2)
    assert np.isfinite(street_dmd_errors(enough, 2)["saturated"]).all()


def test_forecasts_of_another_shape_are_refused(data):
    with pytest.raises(ValueError, match=r"predict gives fields of shape \(10, 1, 40\); expected \(10, 50, 40\)"):
        street_errors(data, lambda starts: starts[:, None])


# Training.


def test_a_run_has_errors_of_both_forecasts_from_both_kinds_of_start(run):
    assert set(run.errors) == {"latent", "reencode"}
    for by_start in run.errors.values():
        assert set(by_start) == set(STARTS)
        assert all(values.shape == (HORIZON,) and (values > 0).all() for values in by_start.values())
    assert len(run.history.terms["total"]) == 2 and run.history.snapshots.tolist() == [0, 2]
    assert run.history.spectra.shape == (2, LATENTS)


@pytest.mark.parametrize("mode", ["latent", "reencode"])
def test_the_errors_are_those_of_the_forecasts_of_the_model(data, run, mode):
    expected = street_errors(data, lambda starts: forecast(run.model, starts, HORIZON, mode=mode))
    for kind in STARTS:
        np.testing.assert_array_equal(run.errors[mode][kind], expected[kind])


def test_the_effective_dimension_is_that_of_the_last_spectrum(run):
    assert run.effective_dimension == pytest.approx(run.history.effective_dimension()[-1], rel=1e-6)
    assert 1 <= run.effective_dimension <= LATENTS


def test_training_lowers_the_error_of_the_first_step(data, run):
    trained = train(data, steps=60)
    assert trained.errors["latent"]["saturated"][0] < 0.8 * run.errors["latent"]["saturated"][0]


@pytest.mark.parametrize("name", list(STREET_SETTINGS))
def test_every_setting_trains_and_fits_its_operator_as_it_says(data, name):
    setting = STREET_SETTINGS[name]
    found = train(data, setting)
    assert found.model.operator == setting.operator
    assert isinstance(found.model.encoder, ResidualEncoder) == setting.residual
    assert np.isfinite(found.history.terms["total"]).all()


def test_the_settings_are_what_their_names_say():
    for name, setting in STREET_SETTINGS.items():
        loss = setting.loss
        assert (loss.alpha > 0) == ("MI" in name or name == "as released")
        assert (loss.gamma > 0) == ("entropy" in name or name == "as released")
        assert (loss.entropy == "penalised_as_released") == (name in ("entropy, wrong sign", "as released"))
        assert setting.residual == ("residual" in name)
        averaged = "averaged" in name or name == "as released"
        assert setting.operator == (
            "window_mean" if averaged else "parameter" if "trained" in name else "least_squares"
        )


def test_a_residual_encoder_starts_close_to_the_leading_coefficients():
    """With more coefficients than latents, the first 32 of them; the network adds a tenth of its usual size."""
    wide = [flow_of(torch.randn(FRAMES, 2, 6, 6, generator=torch.Generator().manual_seed(i))) for i in range(2)]
    data = street_data(wide, rank=40)
    model = train(data, StreetSetting(residual=True), steps=1).model
    start, last = model.encode(data.test), model.encoder.network[-1]
    assert 0.08 < last.weight.abs().max() * last.in_features**0.5 < 0.15  # after one small step
    plain = train(data, StreetSetting(), steps=1).model.encode(data.test)
    leading = data.test[:, :LATENTS]
    assert (start - leading).square().mean() < 0.02 * leading.square().mean()
    assert (plain - leading).square().mean() > 0.5 * leading.square().mean()


def test_a_model_whose_forecasts_overflow_is_scored_infinite(data, run):
    model = street_study.KoopmanAE(run.model.encoder, run.model.decoder, LATENTS, operator="parameter")
    with torch.no_grad():
        model.K.copy_(1e30 * torch.eye(LATENTS))
    errors = street_errors(data, lambda starts: street_study._forecast(model, "latent", starts))
    assert all(np.isposinf(values).all() for values in errors.values())


def test_seeds_decide_the_run(data, run):
    same, other = train(data), train(data, seed=1)
    np.testing.assert_array_equal(same.errors["latent"]["saturated"], run.errors["latent"]["saturated"])
    assert not np.array_equal(other.errors["latent"]["saturated"], run.errors["latent"]["saturated"])


def test_a_sweep_has_a_run_for_each_setting_and_seed(data, run):
    settings = {"plain": StreetSetting(), "entropy": StreetSetting(loss=InformationLoss(gamma=0.1))}
    found = street_sweep(data, settings, seeds=iter([1, 0]), steps=2, progress=False)
    assert list(found) == ["plain", "entropy"] and [len(runs) for runs in found.values()] == [2, 2]
    np.testing.assert_array_equal(found["plain"][1].history.terms["total"], run.history.terms["total"])
    assert found["plain"][0].history.terms["total"][0] != run.history.terms["total"][0]
    assert found["entropy"][1].history.terms["total"][0] < run.history.terms["total"][0]


def test_bad_settings_are_refused(data):
    with pytest.raises(ValueError, match="steps is 0; expected an integer >= 1"):
        train(data, steps=0)
    with pytest.raises(TypeError, match=r"steps is 2\.0; expected an integer >= 1"):
        train(data, steps=2.0)
    with pytest.raises(ValueError, match="operator is 'mean'; expected one of"):
        train(data, StreetSetting(operator="mean"))
    with pytest.raises(ValueError, match=r"snapshots holds \[3\]; expected steps from 0 to 2"):
        train(data, snapshots=[3])
    with pytest.raises(dataclasses.FrozenInstanceError):
        StreetSetting().operator = "parameter"
