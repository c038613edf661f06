"""Noise that is what it says, a network of the paper's sizes, and looks that leave the training run alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from corelib.training.stochastic import GaussianNoise, NoisyDigitsNet, train_with_checkpoints

pytestmark = pytest.mark.ch02


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=40, seed=0):
    x = torch.rand(n, 784, generator=source(seed))
    return x, torch.arange(n) % 10


def same(a, b):
    return all(torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_additive_noise_has_its_standard_deviation_wherever_x_is():
    x = torch.tensor([0.0, -3.0, 1000.0], dtype=torch.float64).repeat(20_000, 1)
    noise = GaussianNoise(0.3, generator=source())(x) - x
    assert noise.mean(0).tolist() == pytest.approx([0] * 3, abs=4 * 0.3 / 20_000**0.5)
    assert noise.std(0).tolist() == pytest.approx([0.3] * 3, rel=4 / 40_000**0.5)


def test_relative_noise_follows_the_size_of_x_and_spares_zeros():
    x = torch.tensor([0.0, -3.0, 1000.0], dtype=torch.float64).repeat(20_000, 1)
    noise = GaussianNoise(0.1, "relative", source())(x) - x
    assert (noise[:, 0] == 0).all()
    assert noise[:, 1:].std(0).tolist() == pytest.approx([0.3, 100.0], rel=4 / 40_000**0.5)


def test_noise_is_on_in_evaluation_and_off_only_when_told():
    layer, x = GaussianNoise(1.0), torch.zeros(5)
    assert (layer.eval()(x) != 0).all() and (layer.train()(x) != 0).all()
    layer.active = False
    assert layer(x) is x
    layer.active = True
    assert (layer(x) != 0).all()
    assert torch.equal(GaussianNoise(0.0)(torch.ones(3)), torch.ones(3))


def test_draws_come_from_the_generator_given_and_no_other():
    layer, x = GaussianNoise(1.0, generator=source(1)), torch.zeros(5)
    before = torch.random.get_rng_state()
    look = layer(x, source(7))
    first = layer(x)  # as if nobody had looked
    assert torch.equal(first, GaussianNoise(1.0, generator=source(1))(x))
    assert torch.equal(look, GaussianNoise(1.0, generator=source(7))(x))
    assert not torch.equal(layer(x), first)
    assert torch.equal(before, torch.random.get_rng_state())


def test_layers_without_a_generator_differ_from_each_other():
    x = torch.zeros(5)
    assert not torch.equal(GaussianNoise(1.0)(x), GaussianNoise(1.0)(x))


def test_noise_keeps_the_dtype_and_lets_gradients_through_as_if_it_were_constant():
    x = torch.tensor([2.0, -1.0], requires_grad=True)
    for mode in ("additive", "relative"):
        y = GaussianNoise(0.5, mode, source())(x)
        assert y.dtype == x.dtype
        assert torch.autograd.grad(y.sum(), x)[0].tolist() == [1.0, 1.0]
    assert "sigma=0.5, mode='relative'" in repr(nn.Sequential(GaussianNoise(0.5, "relative")))


def test_the_layers_have_the_papers_sizes():
    net, (x, _) = NoisyDigitsNet(), images(7)
    layers = net.layers(x, source())
    assert [tuple(h.shape) for h in layers] == [(7, 1352), (7, 400), (7, 32), (7, 32), (7, 10)]
    assert NoisyDigitsNet.sizes == (1352, 400, 32, 32, 10)
    assert layers[-1].exp().sum(1).tolist() == pytest.approx([1.0] * 7, abs=1e-5)
    assert not any(h.requires_grad for h in layers)
    assert torch.equal(net.layers(x.view(7, 1, 28, 28), source())[2], layers[2])


def test_without_noise_and_dropout_the_network_is_the_plain_one():
    net, (x, _) = NoisyDigitsNet(sigma=0.0, dropout=0.0), images(7)
    a, b, c = net.convolutions
    pieces = [[conv, nn.MaxPool2d(2), nn.LeakyReLU()] for conv in (a, b, c)]
    head = [nn.Flatten(), net.linear[0], nn.LeakyReLU(), net.linear[1], nn.LogSoftmax(1)]
    plain = nn.Sequential(*pieces[0], *pieces[1], *pieces[2], *head)
    assert torch.allclose(net(x), plain(x.view(-1, 1, 28, 28)), atol=1e-6)
    assert torch.equal(net(x), net.layers(x, source())[-1])


def test_looking_has_noise_but_no_dropout_and_changes_neither_mode_nor_generator():
    net, (x, _) = NoisyDigitsNet(dropout=0.5, sigma=1e-3), images(7)
    net.train()
    state = net.generator.get_state()
    looks = [net.layers(x, source(seed))[0] for seed in (0, 0, 1)]
    assert torch.equal(looks[0], looks[1])
    assert 0 < (looks[0] - looks[2]).abs().max() < 0.05  # noise of 1e-3; dropout would move values by their size
    assert net.training and torch.equal(state, net.generator.get_state())
    assert (net(x) - net(x)).abs().max() > 0.01  # dropout in training
    net.eval()
    assert (net(x) - net(x)).abs().max() < 0.01


def test_dropout_drops_its_share_and_keeps_the_mean():
    net = NoisyDigitsNet(dropout=0.25)
    h = net._drop(torch.ones(100, 1000), net.generator)
    assert (h == 0).double().mean().item() == pytest.approx(0.25, abs=4 * (0.1875 / 1e5) ** 0.5)
    assert h[h != 0].unique().tolist() == pytest.approx([4 / 3])


def test_the_same_seed_is_the_same_network_whatever_happened_before():
    before = torch.random.get_rng_state()
    a = NoisyDigitsNet(seed=3)
    torch.rand(5)
    b, (x, _) = NoisyDigitsNet(seed=3), images(7)
    assert same(a, b) and torch.equal(a(x), b(x)) and not same(a, NoisyDigitsNet(seed=4))
    torch.random.set_rng_state(before)
    NoisyDigitsNet(seed=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_checkpoints_do_not_change_the_run():
    x, y = images()

    def rude(step, net, loss):
        """Draw from everything in reach."""
        torch.rand(3)
        net.layers(x, source(step))
        net.eval()
        net(x)

    runs = [((6,), None), ((0, 1, 2, 5, 6), rude), ((3, 6), lambda *_: None)]
    nets, losses = [], []
    for steps, callback in runs:
        net = NoisyDigitsNet(seed=1)
        losses.append(train_with_checkpoints(net, x, y, steps, batch_size=16, seed=2, callback=callback))
        nets.append(net)
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])
    assert losses[0][-1] == losses[1][-1] == losses[2][-1]
    assert [len(found) for found in losses] == [1, 5, 2]
    assert not same(nets[0], NoisyDigitsNet(seed=1))


def test_the_callback_sees_each_checkpoint_with_its_loss():
    net, (x, y), seen = NoisyDigitsNet(), images(), []
    start = copy.deepcopy(net)
    losses = train_with_checkpoints(net, x, y, (0, 2, 4), batch_size=16, callback=lambda *now: seen.append(now))
    assert [step for step, _, _ in seen] == [0, 2, 4] and all(seen_net is net for _, seen_net, _ in seen)
    assert [loss for _, _, loss in seen] == losses.tolist()
    log_p = start.layers(x, source())[-1]
    assert losses[0] == pytest.approx(-log_p[range(40), y].mean().item(), abs=1e-6)
    assert net.training


def test_order_and_length_of_the_run_follow_the_arguments():
    x, y = images()
    start, a, b = (NoisyDigitsNet(seed=1) for _ in range(3))
    train_with_checkpoints(a, x, y, (3,), seed=0, batch_size=10)
    train_with_checkpoints(b, x, y, (3,), seed=1, batch_size=10)
    assert not same(a, b)
    train_with_checkpoints(start, x, y, (0,))
    assert same(start, NoisyDigitsNet(seed=1))


def test_the_network_learns_a_few_images_by_heart():
    x, y = images(20)
    losses = train_with_checkpoints(NoisyDigitsNet(dropout=0.0), x, y, (0, 60), lr=1e-2, batch_size=1000)
    assert losses[0] == pytest.approx(np.log(10), abs=0.1) and losses[1] < 0.5


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x, y: GaussianNoise(-1.0), "sigma is -1.0; expected a finite number >= 0"),
        (lambda x, y: GaussianNoise(float("nan")), "sigma is nan"),
        (lambda x, y: GaussianNoise(1.0, "absolute"), "mode is 'absolute'; expected 'additive' or 'relative'"),
        (lambda x, y: NoisyDigitsNet(dropout=1.0), r"dropout is 1.0; expected a number in \[0, 1\)"),
        (lambda x, y: NoisyDigitsNet()(x[:, 1:]), r"x has shape \(40, 783\); expected \(N, 784\)"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y, ()), r"steps is \[\]"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y, (3, 3)), r"steps is \[3, 3\]; expected strictly"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y, (0,), lr=0), "lr is 0; expected"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y, (0,), batch_size=0), "batch_size is 0"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y[1:], (0,)), r"y has shape \(39,\)"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x, y + 1, (0,)), r"y holds labels 1 .. 10; expected 0"),
        (lambda x, y: train_with_checkpoints(NoisyDigitsNet(), x / 0, y, (0,)), "x holds NaN or infinite values"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*images())


def test_the_generator_of_training_is_not_lent_to_a_look():
    net = NoisyDigitsNet()
    with pytest.raises(ValueError, match="generator is the one that training draws from"):
        net.layers(images(3)[0], net.generator)


def test_a_run_that_blows_up_says_so():
    x, y = images()
    with pytest.raises(FloatingPointError, match="try a smaller lr"):
        train_with_checkpoints(NoisyDigitsNet(), x, y, (0, 30), lr=1e30)
