"""Regressors with a bottleneck: each objective is its formula, judged alike; seeds, attacks, hard inputs."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from corelib.datasets.container import Split
from corelib.datasets.regression import diabetes, standardize
from corelib.information.cauchy_schwarz import conditional_cs_divergence, cs_qmi_normalized, hsic
from corelib.information.encoder import encoder_information
from corelib.information.samples import DegenerateSampleError
from corelib.training.regression import OBJECTIVES, Regressor, fgsm_rmse, train_regressor

pytestmark = pytest.mark.ch01
BETA = {"mse": 0.0, "vib": 0.01, "nib": 0.01, "hsic": 0.5, "cs": 0.1, "mse+qmi": 0.1}
HALF = Split(torch.arange(60), torch.arange(60, 120))
ONE_BATCH = {"epochs": 1, "batch_size": 60}


@pytest.fixture(scope="module")
def line():
    """Targets that a line explains up to noise of a fifth of their spread."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(120, 3, generator=generator)
    y = x[:, :1] - 0.5 * x[:, 1:2] + 0.2 * torch.randn(120, 1, generator=generator)
    return x, (y - y.mean()) / y.std()


def training(x, y):
    return x[HALF.train].double(), y[HALF.train].double()


def first_loss(line, objective, **settings):
    return train_regressor(*line, HALF, objective, BETA[objective], seed=4, **ONE_BATCH, **settings).losses[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_learns_a_line(line, objective):
    run = train_regressor(*line, HALF, objective, BETA[objective], epochs=60, lr=5e-3)
    assert run.losses.shape == (60,) and np.isfinite(run.losses).all() and run.losses[-1] < run.losses[0]
    assert run.rmse < 0.7  # the mean alone has an error of 1, and the noise of 0.2
    assert 0 < run.qmi < 1.5 and 0 < run.qmi_rescaled < 1.5


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_seed_fixes_the_run_and_leaves_the_global_generator_alone(line, objective):
    before = torch.random.get_rng_state()
    first, again, other = (
        train_regressor(*line, HALF, objective, BETA[objective], seed=seed, epochs=2, batch_size=25)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.losses, again.losses) and first.rmse == again.rmse and first.qmi == again.qmi
    assert not np.array_equal(first.losses, other.losses)
    assert torch.equal(before, torch.random.get_rng_state())


def test_one_seed_gives_all_objectives_the_same_initial_weights():
    still, noisy = Regressor(5, seed=3), Regressor(5, noisy=True, seed=3)
    others = noisy.state_dict()
    assert all(torch.equal(weight, others[name]) for name, weight in still.state_dict().items())
    assert not torch.equal(still.mean_head.weight, Regressor(5, seed=4).mean_head.weight)


def test_the_network_has_the_widths_of_the_study():
    layers = [tuple(p.shape) for p in Regressor(10).parameters() if p.ndim == 2]
    assert layers == [(64, 10), (64, 64), (32, 64), (1, 32)]
    assert not any(isinstance(module, torch.nn.ReLU) for module in (Regressor(10).mean_head, Regressor(10).decoder))


def test_first_losses_without_noise_are_the_formulas_of_the_initial_network(line):
    x, y = training(*line)
    start = Regressor(3, seed=4).double()
    with torch.no_grad():
        t, y_hat = start.encode(x), start(x)
    error, kept = F.mse_loss(y_hat, y), cs_qmi_normalized(x, t, 0.8, 0.8)
    expected = {
        "mse": error,
        "mse+qmi": error + 0.1 * kept,
        "cs": conditional_cs_divergence(x, y, y_hat, 0.8, 0.8) + 0.1 * kept,
        "hsic": error - hsic(t, y, 0.8, 0.8) + 0.5 * hsic(x, t, 0.8, 0.8),
    }
    for objective, value in expected.items():
        assert first_loss(line, objective, bandwidth=0.8) == pytest.approx(value.item(), rel=1e-5), objective


def test_the_penalties_of_the_noisy_objectives_are_kl_to_a_standard_normal_and_the_mixture_bound(line):
    x, _ = training(*line)
    with torch.no_grad():
        codes = Regressor(3, noisy=True, seed=4).gaussian_codes(x.float())
        standard = kl_divergence(Normal(codes.mean, codes.std), Normal(0.0, 1.0)).sum(1).mean()
        bound = encoder_information(codes, "kl_upper")
    for objective, penalty in (("vib", standard), ("nib", bound)):
        # The order of the samples and their noise are those of the seed, so that only the penalty differs.
        free, paid = (train_regressor(*line, HALF, objective, b, seed=4, **ONE_BATCH).losses[0] for b in (0, 2.0))
        assert paid - free == pytest.approx(2 * penalty.item(), rel=1e-4)


def test_under_hsic_the_encoder_never_learns_from_the_decoders_error(line):
    x, y = line
    run = train_regressor(x, y, HALF, "hsic", 0.5, epochs=3)
    # HSIC does not see the sign of the targets, but the decoder does.
    mirrored = train_regressor(x, -y, HALF, "hsic", 0.5, epochs=3)
    assert torch.allclose(run.regressor.encode(x), mirrored.regressor.encode(x), atol=1e-5)
    assert not torch.allclose(run.regressor(x), mirrored.regressor(x), atol=1e-2)


@pytest.mark.parametrize(("objective", "beta"), [("vib", 1.0), ("nib", 1.0), ("cs", 2.0), ("mse+qmi", 2.0)])
def test_a_larger_beta_keeps_less_of_the_input(line, objective, beta):
    free, bound = (train_regressor(*line, HALF, objective, b, epochs=30, lr=2e-3) for b in (0.0, beta))
    assert bound.qmi < free.qmi - 0.05


def test_all_are_judged_by_the_same_numbers_on_the_test_samples(line):
    x, y = line
    run = train_regressor(x, y, HALF, "vib", 0.01, epochs=2, bandwidth=0.7)
    x, y = x[HALF.test], y[HALF.test]
    with torch.no_grad():
        y_hat, t = run.regressor(x), run.regressor.encode(x).double()
    assert run.rmse == pytest.approx((y_hat - y).square().mean().sqrt().item(), rel=1e-6)
    assert run.qmi == pytest.approx(cs_qmi_normalized(x.double(), t, 0.7, 0.7).item(), rel=1e-9)
    rescaled = t * (x.double().var(0).sum() / t.var(0).sum()).sqrt()
    assert run.qmi_rescaled == pytest.approx(cs_qmi_normalized(x.double(), rescaled, 0.7, 0.7).item(), rel=1e-6)


def test_a_code_that_is_only_smaller_lowers_one_number_and_not_the_other(line, monkeypatch):
    judge_the_start = {"epochs": 1, "lr": 1e-12}
    plain = train_regressor(*line, HALF, **judge_the_start)
    encode = Regressor.encode
    monkeypatch.setattr(Regressor, "encode", lambda self, x: encode(self, x) / 20)
    monkeypatch.setattr(Regressor, "forward", lambda self, x: self.decoder(20 * self.encode(x)))
    small = train_regressor(*line, HALF, **judge_the_start)
    assert small.rmse == pytest.approx(plain.rmse, rel=1e-5)
    assert small.qmi < plain.qmi - 0.01
    assert small.qmi_rescaled == pytest.approx(plain.qmi_rescaled, rel=1e-5)


def test_a_collapsed_code_keeps_nothing_and_cannot_be_trained_on_its_own_information(line, monkeypatch):
    monkeypatch.setattr(Regressor, "encode", lambda self, x: torch.ones(len(x), 32))
    run = train_regressor(*line, HALF, epochs=2)
    assert run.qmi == run.qmi_rescaled == 0 and np.isfinite(run.rmse)
    for objective in ("cs", "mse+qmi"):
        with pytest.raises(DegenerateSampleError, match="t is constant"):
            train_regressor(*line, HALF, objective, 0.1)


def test_an_odd_number_of_samples_leaves_no_sample_alone(line):
    x, y = line
    for n in (2, 4, 7, 10):
        run = train_regressor(x, y, Split(torch.arange(n), HALF.test), "cs", 0.1, epochs=1, batch_size=3)
        assert np.isfinite(run.losses).all()


def test_equal_inputs_with_different_targets_are_learnt_as_their_mean():
    x, y = torch.tensor([[0.0], [0.0], [1.0], [1.0]]), torch.tensor([[-1.0], [1.0], [0.0], [4.0]])
    both = Split(torch.arange(4), torch.arange(4))
    run = train_regressor(x, y, both, epochs=200, lr=5e-3)
    assert run.rmse == pytest.approx(math.sqrt((1 + 1 + 4 + 4) / 4), abs=0.01)


def test_real_patients_are_predicted_better_than_by_their_mean():
    data = diabetes()
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    split = Split(order[:300], order[300:])
    assert train_regressor(*standardize(data, split), split, epochs=20).rmse < 0.85


def identity():
    """A regressor that returns its one input where that is positive."""
    regressor = Regressor(1, hidden=(1,), code_size=1)
    with torch.no_grad():
        for parameter in regressor.parameters():
            parameter.fill_(1.0 if parameter.ndim == 2 else 0.0)
    return regressor


def test_the_attack_adds_its_size_to_every_error_of_the_identity():
    x = torch.tensor([[2.0], [3.0], [5.0]])
    y = x + torch.tensor([[0.5], [-1.0], [0.25]])
    expected = math.sqrt(((0.5 + 0.1) ** 2 + (1 + 0.1) ** 2 + (0.25 + 0.1) ** 2) / 3)
    assert fgsm_rmse(identity(), x, y, 0.1) == pytest.approx(expected, rel=1e-6)
    assert fgsm_rmse(identity(), x, y, 0.0) == pytest.approx(math.sqrt((0.25 + 1 + 0.0625) / 3), rel=1e-6)


def test_the_attack_leaves_network_and_inputs_alone(line):
    x, y = line
    run = train_regressor(x, y, HALF, epochs=2)
    for parameter in run.regressor.parameters():
        parameter.grad = None
    kept = x.clone()
    errors = [fgsm_rmse(run.regressor, x[HALF.test], y[HALF.test], epsilon) for epsilon in (0.0, 0.05, 0.2)]
    assert errors[0] == pytest.approx(run.rmse) and errors[0] < errors[1] < errors[2]
    assert torch.equal(x, kept) and not x.requires_grad
    assert all(parameter.grad is None for parameter in run.regressor.parameters())


def test_attacks_that_make_no_sense_are_refused():
    x = torch.ones(3, 1)
    for bad in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"epsilon is {bad}; expected a finite number >= 0"):
            fgsm_rmse(identity(), x, x, bad)
    with pytest.raises(ValueError, match=r"y has shape \(3,\); expected \(3, 1\)"):
        fgsm_rmse(identity(), x, x[:, 0], 0.1)


def test_a_network_without_noise_has_no_gaussian_codes():
    with pytest.raises(ValueError, match="noisy is False"):
        Regressor(3).gaussian_codes(torch.zeros(2, 3))
    for widths in ({"hidden": ()}, {"hidden": (0,)}, {"code_size": 0}):
        with pytest.raises(ValueError, match=r"widths are .*; expected inputs, hidden, code, each >= 1"):
            Regressor(3, **widths)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "ib"}, "objective is 'ib'; expected one of mse, vib, nib, hsic, cs"),
        ({"objective": "vib", "beta": -1.0}, "beta is -1.0; expected a finite number >= 0"),
        ({"objective": "vib", "beta": math.nan}, "beta is nan"),
        ({"beta": 0.1}, "beta is 0.1; expected 0, since 'mse'"),
        ({"epochs": 0}, "epochs, batch_size are 0, 128"),
        ({"batch_size": 2}, "epochs, batch_size are 60, 2; expected >= 1, >= 3"),
        ({"lr": 0.0}, "lr is 0.0; expected a finite number > 0"),
        ({"lr": math.nan}, "lr is nan"),
        ({"bandwidth": -1.0}, "bandwidth is -1.0; expected a finite number > 0"),
        ({"bandwidth": math.inf}, "bandwidth is inf"),
    ],
)
def test_settings_out_of_range_are_named(line, settings, message):
    with pytest.raises(ValueError, match=message):
        train_regressor(*line, HALF, **settings)


def test_bad_data_are_named(line):
    x, y = line
    few, outside = Split(torch.tensor([0]), HALF.test), Split(HALF.train, torch.tensor([5, 120]))
    for arguments, message in (
        ((x, y[:, 0], HALF), r"y has shape \(120,\) and dtype torch.float32; expected \(120, 1\) float32"),
        ((x, y.double(), HALF), "y has shape .* torch.float64"),
        ((x[:, 0], y, HALF), r"x has shape \(120,\)"),
        ((x.double(), y, HALF), "x has shape .* torch.float64"),
        ((x + math.nan, y, HALF), "x holds NaN or infinite values"),
        ((x, y + math.inf, HALF), "y holds NaN or infinite values"),
        ((x, y, few), "split.train has 1 indices; expected at least two, all in 0 .. 119"),
        ((x, y, outside), "split.test has 2 indices; expected at least two, all in 0 .. 119"),
    ):
        with pytest.raises(ValueError, match=message):
            train_regressor(*arguments)


def test_a_run_that_diverges_says_so(line):
    with pytest.raises(FloatingPointError, match="loss is not finite in epoch 2; try a smaller lr or beta"):
        train_regressor(*line, HALF, lr=1e30)
