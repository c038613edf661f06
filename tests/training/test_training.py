"""Ensembles against torch.func, torch.optim and their own members trained alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from corelib.datasets import Split, szt_task, train_test_split
from corelib.training import ACTIVATIONS, MLPEnsemble, get_activation, log_spaced_epochs, train_ensemble
from corelib.training.gradients import func_gradients, fused_gradients

pytestmark = pytest.mark.ch03
SIZES = (12, 10, 7, 5, 4, 3, 2)
task = szt_task()
split = train_test_split(4096)


def batch(n=64, dtype=torch.float64):
    onehot = torch.nn.functional.one_hot(task.y[:n] ^ (torch.arange(n) % 2), 2).T
    return task.x[-n:].T.to(dtype).contiguous(), onehot.to(dtype).contiguous()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_agree_with_autograd(name):
    activation = get_activation(name)
    z = torch.linspace(-6, 6, 241, dtype=torch.float64)[
        torch.arange(241) != 120
    ].requires_grad_()  # without the kink at 0
    z = (z + 0.001).detach().requires_grad_()
    slope = [torch.tensor(0.3, dtype=torch.float64)] if activation.learns_slope else []
    h = activation.fn(z, *slope)
    (expected,) = torch.autograd.grad(h.sum(), z)
    found = activation.derivative(z.detach(), h.detach(), *slope)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)
    if activation.floor is not None:
        assert h.min() >= activation.floor


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_two_backends_agree(name):
    ensemble = MLPEnsemble(3, SIZES, name, seed=1, dtype=torch.float64)
    for bias in ensemble.biases:
        bias.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    fused, func = torch.full_like(ensemble.parameters, 7), torch.full_like(ensemble.parameters, -7)
    fused_gradients(ensemble, *batch(), 0.01, fused)
    func_gradients(ensemble, *batch(), 0.01, func)
    torch.testing.assert_close(fused, func, rtol=1e-10, atol=1e-12)
    assert func.abs().max() > 0.01


def test_the_penalty_leaves_out_the_output_layer_and_biases():
    ensemble = MLPEnsemble(2, SIZES, "tanh", dtype=torch.float64)
    without, with_l2 = (torch.empty_like(ensemble.parameters) for _ in range(2))
    fused_gradients(ensemble, *batch(), 0.0, without)
    fused_gradients(ensemble, *batch(), 0.5, with_l2)
    views = ensemble._views(with_l2 - without)
    for difference, weight in zip(views[:5], ensemble.weights[:5], strict=True):
        torch.testing.assert_close(difference, 0.5 * weight, rtol=1e-9, atol=1e-15)
    assert all((view == 0).all() for view in views[5:])


def as_module(ensemble, m):
    layers = []
    for weight, bias in zip(ensemble.weights, ensemble.biases, strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=weight.dtype)
        linear.weight.data.copy_(weight[m])
        linear.bias.data.copy_(bias[m])
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_agrees_with_torch_optim(optimizer):
    ensemble = MLPEnsemble(2, SIZES, "tanh", dtype=torch.float64)
    net = as_module(ensemble, 1)
    peer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer](net.parameters(), lr=0.01)
    train_ensemble(ensemble, task.x, task.y, split, epochs=2, lr=0.01, optimizer=optimizer, progress=False)
    for _ in range(2):
        for index in split.train.split(512):
            peer.zero_grad()
            nn.functional.cross_entropy(net(task.x[index].double()), task.y[index]).backward()
            peer.step()
    torch.testing.assert_close(ensemble.weights[2][1], net[4].weight.data, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(ensemble.logits(task.x)[1], net(task.x.double()).detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("backend", ["fused", "func"])
def test_a_model_trains_in_a_batch_as_it_does_alone(backend):
    whole = MLPEnsemble(4, SIZES, "relu", seed=3)
    alone = whole.select([2])
    assert torch.equal(alone.weights[1][0], MLPEnsemble(3, SIZES, "relu", seed=3).weights[1][2])
    options = {"epochs": 8, "lr": 8e-3, "backend": backend, "progress": False}  # 8 epochs of 7 batches
    train_ensemble(whole, task.x, task.y, split, **options)
    train_ensemble(alone, task.x, task.y, split, **options)
    for w, a in zip(whole.weights, alone.weights, strict=True):
        assert (w[2] - a[0]).abs().max() < 1e-4
    assert (whole.weights[0][0] - whole.weights[0][1]).abs().max() > 0.1


def test_initial_weights_are_cut_at_two_standard_deviations():
    ensemble = MLPEnsemble(200, (12, 10, 2), "relu")
    std = 2 / 12**0.5
    assert ensemble.weights[0].abs().max() <= 2 * std
    assert ensemble.weights[0].std().item() == pytest.approx(0.8796 * std, rel=0.02)  # of a normal cut at 2 s.d.
    assert all((bias == 0).all() for bias in ensemble.biases)


def test_snapshots_are_taken_before_the_update_and_see_every_sample():
    ensemble = MLPEnsemble(2, SIZES, "tanh")
    before = [h.clone() for h in ensemble.activity(task.x)]
    seen = {}
    trace = train_ensemble(
        ensemble, task.x, task.y, split, epochs=3, snapshots=[0, 1, 3], callback=seen.__setitem__, progress=False
    )
    assert trace.epochs.tolist() == list(seen) == [0, 1, 3]
    assert [h.shape for h in seen[0]] == [(2, 4096, d) for d in SIZES[1:]]
    assert all(torch.equal(a, b) for a, b in zip(before, seen[0], strict=True))
    assert torch.equal(seen[3][-1], ensemble.activity(task.x)[-1])
    torch.testing.assert_close(seen[3][-1].sum(-1), torch.ones(2, 4096))
    right = (seen[3][-1].argmax(-1) == task.y)[:, split.test].double().mean(1)
    assert trace.test_accuracy[-1] == pytest.approx(right.numpy())


def test_tanh_networks_learn_the_task():
    ensemble = MLPEnsemble(3, SIZES, "tanh")
    trace = train_ensemble(ensemble, task.x, task.y, split, epochs=200, lr=8e-3, progress=False)
    assert trace.test_accuracy[-1].min() > 0.9 > trace.test_accuracy[0].max()
    assert not trace.dead().any()


def test_a_prelu_slope_learns_and_a_dead_network_is_reported():
    ensemble = MLPEnsemble(2, SIZES, "prelu")
    train_ensemble(ensemble, task.x, task.y, split, epochs=3, lr=8e-3, progress=False)
    assert all(((slope - 0.25).abs() > 1e-3).all() for slope in ensemble.slopes)
    ensemble = MLPEnsemble(2, SIZES, "relu")
    ensemble.biases[2][1] = -1e6  # no activity ever passes this layer of model 1
    trace = train_ensemble(ensemble, task.x, task.y, split, epochs=60, lr=8e-3, progress=False)
    assert trace.dead().tolist() == [False, True]


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_log_spaced_epochs_hold_both_ends_once(epochs, count):
    found = log_spaced_epochs(epochs, count)
    assert found == sorted(set(found)) and found[0] == 0 and found[-1] == epochs and len(found) <= count + 2


@pytest.mark.parametrize(
    "change, word",
    [
        ({"x": task.x[:, :3]}, r"x has shape \(4096, 3\); expected \(N, 12\)"),
        ({"x": task.x / 0}, "x holds NaN or infinite"),
        ({"y": task.y[:9]}, r"y has shape \(9,\)"),
        ({"y": task.y + 1}, "y holds labels 1 .. 2; expected 0 .. 1"),
        ({"split": Split(split.train, split.test[:0])}, "split.test has 0 indices"),
        ({"optimizer": "adagrad"}, "optimizer is 'adagrad'"),
        ({"backend": "jax"}, "backend is 'jax'"),
        ({"lr": 0}, "lr is 0"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_input_is_named(change, word):
    good = {"x": task.x, "y": task.y, "split": split, "epochs": 1, "progress": False}
    with pytest.raises(ValueError, match=word):
        train_ensemble(MLPEnsemble(1, SIZES, "tanh"), **(good | change))


def test_divergence_is_an_error_and_says_where():
    ensemble = MLPEnsemble(2, SIZES, "linear")
    ensemble.weights[0][1] = float("inf")
    with pytest.raises(FloatingPointError, match=r"loss of models \[1\] is not finite at epoch 0"):
        train_ensemble(ensemble, task.x, task.y, split, epochs=1, progress=False)


@pytest.mark.parametrize(
    "arguments, word",
    [
        ((0, SIZES, "tanh"), "n_models is 0"),
        ((1, (3,), "tanh"), "sizes is"),
        ((1, SIZES, "sine"), "activation is 'sine'"),
    ],
)
def test_an_ensemble_that_cannot_be_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        MLPEnsemble(*arguments)


def test_silence_without_a_progress_bar(capfd):
    train_ensemble(MLPEnsemble(1, SIZES, "tanh"), task.x, task.y, split, epochs=1, progress=False)
    assert capfd.readouterr() == ("", "")
