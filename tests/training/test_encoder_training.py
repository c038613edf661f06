"""Training all encoders at once against training them alone and against torch.optim; the information constraint."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from corelib.datasets.clusters import clusters
from corelib.information.encoder import encoder_information
from corelib.training.encoder_ensemble import StochasticEncoderEnsemble
from corelib.training.encoder_training import EncoderEvaluation, evaluate_encoders, generalization_gap, train_encoders
from corelib.training.ensemble import seeded_generator

pytestmark = pytest.mark.ch01
SIZES = (2, 8, 3, 5)
DATA = [clusters(30, seed=seed) for seed in range(3)]
X = torch.stack([data.x for data in DATA]).double()
Y = torch.stack([data.y for data in DATA])
DRAWS = torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def ensemble(seeds=(0, 1, 2), sizes=SIZES, dtype=torch.float64, **settings):
    return StochasticEncoderEnsemble(sizes, seeds, dtype=dtype, **settings)


def train(models, x=X, y=Y, steps=12, lr=0.02, **settings):
    return train_encoders(models, x, y, steps=steps, lr=lr, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"weight_decay": [0.0, 0.01, 0.1]},
        {"beta": [0.0, 0.03, 0.5], "information_points": 10},
        {"target_information": [0.5, 1.0, 1.5], "dual_lr": [0.1, 0.0, 0.05], "batch_size": 8},
        {"target_information": [1.0, 1.0, 1.0], "dual_lr": [0.1, 0.1, 0.1], "beta": [0.1, 0.0, 0.2]},
    ],
)
def test_three_at_once_are_three_trained_alone(settings):
    together = ensemble()
    trace = train(together, swag_from=3, swag_rank=2, **settings)
    for m in range(3):
        alone = ensemble(seeds=(m,))
        own = {key: value[m] if isinstance(value, list) else value for key, value in settings.items()}
        trace_alone = train(alone, X[m : m + 1], Y[m : m + 1], swag_from=3, swag_rank=2, **own)
        torch.testing.assert_close(together.parameters[m], alone.parameters[0], rtol=0, atol=1e-9)
        np.testing.assert_allclose(trace.losses[:, m], trace_alone.losses[:, 0], atol=1e-9)
        np.testing.assert_allclose(trace.multipliers[:, m], trace_alone.multipliers[:, 0], atol=1e-9)
        torch.testing.assert_close(trace.posteriors[m].diag, trace_alone.posteriors[0].diag, rtol=0, atol=1e-9)
    assert not torch.allclose(together.parameters, ensemble().parameters)


def test_models_that_need_no_information_are_not_moved_by_those_that_do():
    plain, mixed = ensemble(), ensemble()
    train(plain, batch_size=10)
    train(mixed, batch_size=10, beta=[0.0, 0.3, 0.0], information_points=5)
    torch.testing.assert_close(mixed.parameters[[0, 2]], plain.parameters[[0, 2]], rtol=0, atol=1e-12)
    assert not torch.allclose(mixed.parameters[1], plain.parameters[1])


@pytest.mark.parametrize("clip", [0.3, 1e6])
def test_updates_are_those_of_torchs_descent_with_clipping_and_decay(clip):
    models, start = ensemble(seeds=(4,)), ensemble(seeds=(4,))
    trace = train(models, X[0], Y[0], weight_decay=0.05, beta=0.2, clip=clip)
    theta = nn.Parameter(start.parameters.clone())
    descent = torch.optim.SGD([theta], lr=0.02, momentum=0.9, weight_decay=0.05)
    generators = [seeded_generator(4, stream) for stream in (1, 2)]
    lengths = []
    # torch adds 1e-6 to the norm that it divides by.
    tolerance = 1e-5 if clip < 1 else 1e-10
    for loss in trace.losses[:, 0]:
        start.parameters = theta
        first, second = (torch.empty(30, 3, dtype=torch.float64).normal_(generator=g) for g in generators)
        logits, codes, _ = start.forward(X[0], first)
        cross_entropy = nn.functional.cross_entropy(logits[0], Y[0])
        assert loss == pytest.approx(cross_entropy.item(), abs=tolerance)
        information = encoder_information(codes, "mc", z=codes.mean + codes.std * second)
        descent.zero_grad()
        (cross_entropy + 0.2 * information[0]).backward()
        lengths.append(nn.utils.clip_grad_norm_([theta], clip).item())
        descent.step()
    assert (max(lengths) > clip) == (clip < 1)
    torch.testing.assert_close(models.parameters, theta.data, rtol=0, atol=tolerance)


def test_labels_and_inputs_may_be_shared():
    shared, spelled_out = ensemble(), ensemble()
    train(shared, X[0], Y[0], batch_size=7)
    train(spelled_out, X[:1].repeat(3, 1, 1), Y[:1].repeat(3, 1), batch_size=7)
    assert torch.equal(shared.parameters, spelled_out.parameters)


def test_single_precision_estimates_information_sharply_and_learns():
    # Codes up to a hundred thousand floors apart: I is ln N, which squares in single precision miss by far.
    models = ensemble(dtype=torch.float32)
    models.mean_weights[-1].mul_(100)
    models.std_weights[-1].zero_()
    models.std_biases[-1].fill_(-1e3)
    trace = train(models, steps=60, beta=0.01)
    assert trace.information[0] == pytest.approx(math.log(30), abs=1e-5)
    assert (trace.losses[-1] < 0.3 * trace.losses[0]).all()
    assert models.parameters.dtype == torch.float32


def test_a_penalty_lowers_the_information():
    plain, penalised = ensemble(), ensemble()
    train(plain, steps=100)
    trace = train(penalised, steps=100, beta=0.3)
    assert (information(penalised) < information(plain) - 0.3).all()
    assert (trace.multipliers == -0.3).all()


def information(models):
    codes = models.encode(X)
    return encoder_information(codes, "mc", z=codes.sample(torch.Generator().manual_seed(0)))


def test_the_multiplier_turns_against_the_information_and_towards_it():
    trace = train(ensemble(), steps=20, target_information=[0.0, 0.5, math.log(30)], dual_lr=0.1)
    expected = 0.1 * (np.array([0.0, 0.5, math.log(30)]) - trace.information)
    np.testing.assert_allclose(np.diff(trace.multipliers, axis=0), expected, atol=1e-12)
    assert (trace.multipliers[0] == 0).all()
    # Above the target it penalises; below it rewards: never clamped at zero.
    assert trace.multipliers[-1, 0] < -0.1 and trace.multipliers[-1, 2] > 0.1


def test_dual_ascent_holds_the_information_near_its_target():
    held, plain = ensemble(), ensemble()
    train(plain, steps=200)
    trace = train(held, steps=200, target_information=[1.0, 1.2, 1.5], dual_lr=0.01)
    assert (information(plain) > 2).all()
    np.testing.assert_allclose(trace.information[-50:].mean(0), [1.0, 1.2, 1.5], atol=0.35)


def test_no_gradient_flows_through_the_multiplier():
    moving, fixed = ensemble(), ensemble()
    train(moving, steps=1, target_information=0.3, dual_lr=0.5, beta=0.2)
    train(fixed, steps=1, beta=0.2)
    assert torch.equal(moving.parameters, fixed.parameters)
    assert not moving.parameters.requires_grad


def test_without_a_use_for_it_no_information_is_computed():
    trace = train(ensemble(), target_information=1.0)
    assert trace.information is None and trace.posteriors == []
    assert trace.losses.shape == (12, 3) and trace.multipliers.shape == (13, 3)
    assert (trace.multipliers == 0).all()


def test_swag_collects_after_the_updates_asked_for():
    models, path = ensemble(), []
    for steps in range(1, 7):  # every call starts the noise anew, so this is one path
        again = ensemble()
        train(again, steps=steps)
        path.append(again.parameters)
    trace = train(models, steps=6, swag_from=3)
    torch.testing.assert_close(trace.posteriors[1].mean, torch.stack(path[3:])[:, 1].mean(0))
    variance = torch.stack(path[3:])[:, 1].var(0, correction=0)
    torch.testing.assert_close(trace.posteriors[1].diag, variance + 1e-6, rtol=1e-6, atol=1e-15)


def test_swag_collects_once_an_epoch():
    # 30 samples in batches of 10: epochs end after updates 3, 6, 9, 12.
    first, last = ensemble(), ensemble()
    train(first, steps=9, batch_size=10)
    trace = train(last, steps=12, batch_size=10, swag_from=7)
    torch.testing.assert_close(trace.posteriors[0].mean, (first.parameters[0] + last.parameters[0]) / 2)


def test_minibatches_pass_over_every_sample_once_an_epoch():
    # Eight samples cost next to nothing and one costs 5 nats, so that one shows in exactly one batch an epoch.
    models = ensemble(seeds=(0,), sizes=(1, 1, 2))
    models.parameters.zero_()
    models.classifier_bias[0, 0] = 5.0
    x, y = torch.zeros(9, 1), torch.zeros(9, dtype=torch.int64)
    y[4] = 1
    losses = train(models, x, y, steps=12, batch_size=3, lr=1e-9).losses.reshape(4, 3)
    low, high = math.log1p(math.exp(-5)), (2 * math.log1p(math.exp(-5)) + math.log1p(math.exp(5))) / 3
    assert np.sort(losses, axis=1) == pytest.approx(np.tile([low, low, high], (4, 1)), abs=1e-6)
    assert len(set(losses.argmax(1))) > 1  # the order is drawn anew


def test_losses_fall_and_are_those_of_the_data():
    models = ensemble()
    trace = train(models, steps=150, lr=0.05)
    assert (trace.losses[-20:].mean(0) < 0.3 * trace.losses[0]).all()
    found = evaluate_encoders(models, X, Y, generator=torch.Generator().manual_seed(0))
    assert (found.error < 0.2).all() and (found.loss < 0.4).all()


def test_evaluation_is_the_mean_over_one_draw_a_sample_in_parts_or_not(monkeypatch):
    models = ensemble()
    x, y = X[:, :20], Y[:, :20]
    logits, _, _ = models.forward(x, DRAWS)
    expected = [nn.functional.cross_entropy(logits[m], y[m]).item() for m in range(3)]
    wrong = (logits.argmax(2) != y).double().mean(1).numpy()
    for part in (1024, 7):
        monkeypatch.setattr("corelib.training.encoder_training._EVALUATION_BATCH", part)
        found = evaluate_encoders(models, x, y, generator=torch.Generator().manual_seed(0))
        assert found.loss == pytest.approx(expected, rel=1e-12) and np.array_equal(found.error, wrong)
    alone = evaluate_encoders(models.select([1]), x[1], y[1], generator=torch.Generator().manual_seed(0))
    assert alone.loss == pytest.approx(expected[1:2], rel=1e-12)


def test_the_gap_is_test_minus_train():
    train_set = EncoderEvaluation(np.array([0.1, 0.5]), np.array([0.0, 0.25]))
    test_set = EncoderEvaluation(np.array([0.3, 0.4]), np.array([0.5, 0.0]))
    gap = generalization_gap(train_set, test_set)
    assert gap.loss == pytest.approx([0.2, -0.1]) and gap.error == pytest.approx([0.5, -0.25])


def test_one_sample_and_one_class_can_be_trained_on():
    trace = train(ensemble(sizes=(2, 3, 1)), X[:, :1], torch.zeros(3, 1, dtype=torch.int64), beta=0.1)
    assert trace.losses == pytest.approx(0, abs=1e-12) and trace.information == pytest.approx(0, abs=1e-12)


def test_models_that_diverge_are_named():
    models, x = ensemble(), X.clone()
    x[1] *= 1e150
    with pytest.raises(FloatingPointError, match=r"models \[1\] "):
        train(models, x, lr=10.0, steps=100, clip=1e150)
    assert not models.parameters.requires_grad


def test_a_gradient_that_overflows_is_caught_before_it_is_applied():
    models, before = ensemble(dtype=torch.float32), ensemble(dtype=torch.float32).parameters
    x = X.float()
    x[2] = 1e38
    models.mean_weights[0].mul_(1e-12)
    before = models.parameters.clone()
    with pytest.raises(FloatingPointError, match=r"models \[2\]"):
        train(models, x, steps=1)
    assert torch.equal(models.parameters, before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps, lr, momentum, clip are 0"),
        ({"lr": 0.0}, "steps, lr"),
        ({"lr": math.nan}, "steps, lr"),
        ({"momentum": 1.0}, "steps, lr"),
        ({"clip": 0.0}, "steps, lr"),
        ({"clip": math.inf}, "steps, lr"),
        ({"information_points": 1}, "information_points"),
        ({"batch_size": 31}, r"expected >= 2, in 1 \.\. 30"),
        ({"batch_size": 0}, "batch_size"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"beta": [0.1, 0.2]}, "or 3 of them"),
        ({"dual_lr": math.nan, "target_information": 1.0}, "dual_lr is nan"),
        ({"target_information": -1.0, "dual_lr": 0.1}, "target_information is -1.0"),
        ({"dual_lr": 0.1}, "target_information is None"),
        ({"swag_from": 11}, "swag_from is 11"),
        ({"swag_from": -1}, "swag_from is -1"),
        ({"swag_from": 7, "batch_size": 5}, "two ends of epochs"),
        ({"swag_from": 3, "swag_rank": 1}, "rank is 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        train(ensemble(), **settings)


def test_data_that_do_not_fit_are_refused():
    models, generator = ensemble(), torch.Generator()
    bad = [
        (X[:2], Y[:2], ValueError, "x has shape"),
        (X, Y[:, :4], ValueError, "y has shape"),
        (X, Y - 1, ValueError, r"labels -1 \.\. 3; expected 0 \.\. 4"),
        (X, Y + 1, ValueError, r"labels 1 \.\. 5"),
        (X, Y.double(), TypeError, "y has dtype torch.float64"),
        (X.log(), Y, ValueError, "x holds NaN"),
    ]
    for x, y, error, message in bad:
        with pytest.raises(error, match=message):
            train(models, x, y)
        with pytest.raises(error, match=message):
            evaluate_encoders(models, x, y, generator=generator)
