"""Koopman autoencoders: exact operators on linear systems, the terms of both models by hand, and both forecasts."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from corelib.koopman.autoencoders import KoopmanAE, KoopmanVAE, ResidualEncoder, forecast, mlp
from corelib.koopman.operators import koopman_least_squares, rollout

pytestmark = pytest.mark.ch05

DYNAMICS = torch.tensor([[0.9, 0.5, 0.0], [-0.1, 0.8, 0.2], [0.0, 0.0, 0.6]], dtype=torch.float64)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def paths(k, windows=20, length=6, seed=0):
    """Windows of z_{t+1} = K z_t from random starts."""
    start = normal(windows, len(k), seed=seed)
    return torch.cat([start[:, None], rollout(k, start, length - 1)], 1)


def linear(weight):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


def identity_model(**options):
    return KoopmanAE(nn.Identity(), nn.Identity(), 3, **options).double()


def network(d=2, **options):
    """A nonlinear model of three numbers, float64."""
    encoder, decoder = mlp([3, 8, d], generator=seeded(1)), mlp([d, 8, 3], generator=seeded(2))
    return KoopmanAE(encoder, decoder, d, **options).double()


def variational(likelihood, d=2, n=3):
    encoder, decoder = mlp([n, 8, 2 * d], generator=seeded(1)), mlp([d, 8, n], generator=seeded(2))
    model = KoopmanVAE(encoder, decoder, d, likelihood=likelihood).double()
    with torch.no_grad():
        model.K.copy_(normal(d, d, seed=3))
        model.log_sigma2.copy_(normal(d, seed=4))
    return model


# The deterministic model.


def test_a_linear_system_gets_its_exact_operator_and_a_loss_of_zero():
    model, windows = identity_model(ridge=0.0), paths(DYNAMICS)
    model.fit_operator(windows)
    torch.testing.assert_close(model.K, DYNAMICS)
    found = model(windows)
    assert max(found.forward, found.identity, found.structure) < 1e-24
    assert found.latents is windows or torch.equal(found.latents, windows)


def test_both_forecasts_of_a_linear_system_are_its_future():
    model = identity_model(ridge=0.0)
    model.fit_operator(paths(DYNAMICS))
    truth = paths(DYNAMICS, 5, 31, seed=9)
    for mode in ("latent", "reencode"):
        torch.testing.assert_close(forecast(model, truth[:, 0], 30, mode=mode), truth[:, 1:])


def test_linear_maps_that_undo_each_other_change_coordinates_and_not_forecasts():
    mixing = normal(3, 3, seed=5)
    model = KoopmanAE(linear(mixing), linear(mixing.inverse()), 3, ridge=0.0).double()
    model.fit_operator(paths(DYNAMICS))
    torch.testing.assert_close(model.K, mixing @ DYNAMICS @ mixing.inverse())
    truth = paths(DYNAMICS, 5, 11, seed=9)
    latent, reencoded = (forecast(model, truth[:, 0], 10, mode=mode) for mode in ("latent", "reencode"))
    torch.testing.assert_close(latent, truth[:, 1:])
    torch.testing.assert_close(reencoded, latent)


@pytest.mark.parametrize(("length", "d"), [(4, 12), (3, 8), (2, 5)])
def test_the_mean_over_windows_shrinks_an_operator_by_the_length_over_the_dimension(length, d):
    """Each window shows a projection of rank T, in which K is right; the mean of the projections has trace T."""
    k = torch.linalg.qr(normal(d, d))[0] * 0.9
    windows = paths(k, 30, length + 1)
    model = KoopmanAE(nn.Identity(), nn.Identity(), d, operator="window_mean", ridge=0.0).double()
    model.fit_operator(windows)
    assert (torch.linalg.solve(k, model.K).trace() / d).item() == pytest.approx(length / d, abs=1e-10)
    pooled = KoopmanAE(nn.Identity(), nn.Identity(), d, ridge=0.0).double()
    pooled.fit_operator(windows)
    torch.testing.assert_close(pooled.K, k, atol=1e-9, rtol=0)


@pytest.mark.parametrize("operator", ["least_squares", "window_mean", "parameter"])
def test_the_terms_are_mean_squares_with_the_operator_that_is_in_use(operator):
    model, windows = network(operator=operator), paths(DYNAMICS)
    for training in (True, False):
        found = model.train(training)(windows)
        z = model.encoder(windows)
        k = model.K
        if training and operator != "parameter":
            pooling = "all" if operator == "least_squares" else "window_mean"
            k = koopman_least_squares(z[:, :-1], z[:, 1:], pooling=pooling)
        ahead = torch.einsum("ij,btj->bti", k, z[:, :-1])
        torch.testing.assert_close(found.latents, z)
        torch.testing.assert_close(found.forward, (model.decoder(ahead) - windows[:, 1:]).square().mean())
        torch.testing.assert_close(found.identity, (model.decoder(z) - windows).square().mean())
        torch.testing.assert_close(found.structure, (ahead - z[:, 1:]).square().mean())


@pytest.mark.parametrize("operator", ["least_squares", "window_mean", "parameter"])
def test_the_stored_operator_is_one_matrix_that_forecasts_right_after_a_training_step(operator):
    model, windows = network(operator=operator), paths(DYNAMICS)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    model.train()(windows).forward.backward()
    adam.step()
    assert model.K.shape == (2, 2)
    assert forecast(model, windows[:, 0], 4).shape == (20, 4, 3)
    model.fit_operator(windows)
    assert model.K.shape == (2, 2) and torch.isfinite(model.K).all()


def test_a_solved_operator_is_a_constant_to_the_gradient():
    model, windows = network(), paths(DYNAMICS)
    model.train()(windows).structure.backward()
    found = [p.grad.clone() for p in model.encoder.parameters()]
    model.zero_grad()
    z = model.encoder(windows)
    k = koopman_least_squares(z[:, :-1], z[:, 1:]).detach()
    (z[:, :-1] @ k.T - z[:, 1:]).square().mean().backward()
    for ours, plain in zip(found, model.encoder.parameters(), strict=True):
        torch.testing.assert_close(ours, plain.grad)
    assert not model.K.requires_grad


def test_only_a_trained_operator_is_a_weight_and_a_fit_leaves_it_alone():
    solved, trained = network(), network(operator="parameter")
    assert "K" not in dict(solved.named_parameters()) and "K" in dict(trained.named_parameters())
    trained.train()(paths(DYNAMICS)).forward.backward()
    assert trained.K.grad.abs().max() > 0
    trained.fit_operator(paths(DYNAMICS))
    assert torch.equal(trained.K, (0.95 * torch.eye(2)).double())


def test_a_fit_uses_the_encoder_as_at_evaluation():
    encoder = nn.Sequential(nn.Identity(), nn.Dropout(0.5))
    model = KoopmanAE(encoder, nn.Identity(), 3, ridge=0.0).double().train()
    model.fit_operator(paths(DYNAMICS))
    torch.testing.assert_close(model.K, DYNAMICS)


def test_a_penalty_shrinks_the_operator():
    weak, strong = identity_model(ridge=1e-6), identity_model(ridge=1e4)
    for model in (weak, strong):
        model.fit_operator(paths(DYNAMICS))
    assert strong.K.norm() < 0.1 * weak.K.norm()


def test_saving_and_loading_keeps_the_operator():
    model, copy = network(), network()
    model.fit_operator(paths(DYNAMICS))
    copy.load_state_dict(model.state_dict())
    assert torch.equal(copy.K, model.K) and (model.K - 0.95 * torch.eye(2)).abs().max() > 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_models_keep_the_dtype_of_their_weights(dtype):
    for model in (network().to(dtype), variational("gaussian").to(dtype)):
        windows = paths(DYNAMICS).to(dtype)
        assert {value.dtype for value in model.train()(windows)} == {dtype}
        model.fit_operator(windows)
        assert model.K.dtype == dtype and forecast(model, windows[0, 0], 2).dtype == dtype


# The variational model.


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_variational_terms_are_those_of_torch_distributions_for_the_same_noise(likelihood):
    model, x = variational(likelihood), torch.rand(4, 5, 3, generator=seeded(7), dtype=torch.float64)
    found = model(x, seeded(11))
    mean, logvar = model.encoder(x).split(2, -1)
    q = Normal(mean, (0.5 * logvar).exp())
    z = q.loc + q.scale * torch.randn(4, 5, 2, generator=seeded(11), dtype=torch.float64)

    def surprise(z, x):
        if likelihood == "bernoulli":  # log_prob refuses grey values, so the cross-entropy is written out
            p = Bernoulli(logits=model.decoder(z)).probs
            return -(x * p.log() + (1 - x) * (1 - p).log()).sum(-1)
        return (-Normal(model.decoder(z), 1.0).log_prob(x) - 0.5 * math.log(2 * math.pi)).sum(-1)

    before, ahead = z[:, :-1], torch.einsum("ij,btj->bti", model.K, z[:, :-1])
    prior = kl_divergence(q, Normal(0.0, 1.0))[:, :-1].sum(-1)
    step = kl_divergence(Normal(q.loc[:, 1:], q.scale[:, 1:]), Normal(ahead, (0.5 * model.log_sigma2).exp())).sum(-1)
    torch.testing.assert_close(found.latents, z)
    torch.testing.assert_close(found.forward, surprise(ahead, x[:, 1:]).mean())
    torch.testing.assert_close(found.identity, (surprise(before, x[:, :-1]) + prior).mean())
    torch.testing.assert_close(found.structure, step.mean())


def test_the_structure_term_is_the_divergence_worked_out_by_hand():
    """Mean (1, 0), variances (.1, .4), from z = (1, -1) with K = [[.9, -.1], [.2, .8]] and s^2 = (.5, 2)."""
    # Inputs are one-hot: the first frame has the mean (1, -1) and no variance to speak of, the second is as above.
    frames = torch.tensor([[1.0, -1.0, -80.0, -80.0], [1.0, 0.0, math.log(0.1), math.log(0.4)]])
    model = KoopmanVAE(linear(frames.T), nn.Identity(), 2, likelihood="gaussian")
    with torch.no_grad():
        model.K.copy_(torch.tensor([[0.9, -0.1], [0.2, 0.8]]))
        model.log_sigma2.copy_(torch.tensor([0.5, 2.0]).log())
    assert model(torch.eye(2)[None], seeded()).structure.item() == pytest.approx(0.899438, abs=1e-6)


def test_certain_predictions_cost_nothing_and_an_even_guess_costs_ln_2_an_entry():
    x = torch.ones(2, 3, 5)
    sure, even = (KoopmanVAE(linear(torch.zeros(2, 5)), linear(torch.zeros(5, 1)), 1) for _ in range(2))
    sure.decoder = nn.Linear(1, 5)
    nn.init.zeros_(sure.decoder.weight)
    nn.init.constant_(sure.decoder.bias, 50.0)
    assert sure(x).forward.item() == pytest.approx(0, abs=1e-12)
    assert even(x).forward.item() == pytest.approx(5 * math.log(2), rel=1e-6)
    assert even(x).identity.item() == pytest.approx(5 * math.log(2), rel=1e-6)  # its posterior is the prior


def test_latents_are_sampled_by_the_generator_and_encoded_as_means():
    model, x = variational("gaussian"), normal(4, 5, 3)
    assert torch.equal(model(x, seeded(1)).latents, model(x, seeded(1)).latents)
    assert not torch.equal(model(x, seeded(1)).latents, model(x, seeded(2)).latents)
    samples = torch.stack([model(x, seeded(s)).latents for s in range(400)])
    mean, logvar = model.encoder(x).chunk(2, -1)
    torch.testing.assert_close(model.encode(x), mean)
    assert ((samples.mean(0) - mean) / (0.5 * logvar).exp()).abs().max() < 5 / 20
    torch.testing.assert_close(samples.var(0), logvar.exp(), rtol=0.4, atol=0)


def test_decoded_states_are_probabilities_for_bernoulli_and_plain_for_gaussian():
    z = 5 * normal(50, 2)
    pixels, plain = variational("bernoulli"), variational("gaussian")
    torch.testing.assert_close(pixels.decode(z), torch.sigmoid(plain.decode(z)))
    assert pixels.decode(z).min() > 0 and pixels.decode(z).max() < 1


def test_every_weight_of_the_variational_model_gets_a_gradient_and_a_fit_changes_none():
    model, x = variational("gaussian"), normal(4, 5, 3)
    sum(model(x, seeded())[1:]).backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.fit_operator(x)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


# Forecasts.


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_forecasts_have_a_time_axis_before_the_state_and_leave_out_the_start(shape):
    for model in (network(), variational("gaussian")):
        for mode in ("latent", "reencode"):
            assert forecast(model, normal(*shape), 5, mode=mode).shape == (*shape[:-1], 5, 3)


def test_one_step_is_the_same_in_both_modes_and_later_ones_are_not():
    model, x = network(), normal(4, 3)
    latent, reencoded = (forecast(model, x, 6, mode=mode) for mode in ("latent", "reencode"))
    torch.testing.assert_close(latent[:, 0], reencoded[:, 0])
    assert (latent[:, 1:] - reencoded[:, 1:]).abs().max() > 1e-3


def test_both_modes_are_the_compositions_that_they_name():
    model, x = network(), normal(4, 3)
    latent, reencoded = (forecast(model, x, 3, mode=mode) for mode in ("latent", "reencode"))

    def step(x):
        return model.decoder(model.encoder(x) @ model.K.T)

    torch.testing.assert_close(reencoded[:, 2], step(step(step(x))))
    power = torch.linalg.matrix_power(model.K, 3)
    torch.testing.assert_close(latent[:, 2], model.decoder(model.encoder(x) @ power.T))


def test_a_forecast_is_made_at_evaluation_and_without_a_gradient():
    model = KoopmanAE(nn.Sequential(nn.Identity(), nn.Dropout(0.5)), nn.Identity(), 3).double().train()
    found = forecast(model, normal(4, 3).requires_grad_(), 2)
    torch.testing.assert_close(found[:, 0], 0.95 * normal(4, 3))
    assert not found.requires_grad


@pytest.mark.parametrize("mode", ["latent", "reencode"])
def test_a_forecast_that_overflows_is_refused(mode):
    model = identity_model(operator="parameter")
    with torch.no_grad():
        model.K.copy_(1e200 * torch.eye(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="overflows"):
        forecast(model, torch.ones(3, dtype=torch.float64), 2, mode=mode)


def test_forecasts_refuse_other_modes_and_counts():
    with pytest.raises(ValueError, match="mode is 'both'; expected one of"):
        forecast(network(), normal(3), 2, mode="both")
    with pytest.raises(ValueError, match="steps is 0; expected an integer >= 1"):
        forecast(network(), normal(3), 0)
    with pytest.raises(TypeError, match=r"steps is 2\.0; expected an integer >= 1"):
        forecast(network(), normal(3), 2.0)


# Networks.


def test_layers_start_uniform_within_one_over_the_root_of_their_inputs_as_in_torch():
    net = mlp([400, 300, 50], generator=seeded())
    for layer, fan_in in ((net[0], 400), (net[2], 300)):
        for weight in (layer.weight, layer.bias):
            bound = fan_in**-0.5
            assert weight.abs().max() <= bound and weight.abs().max() > 0.95 * bound
            assert abs(weight.mean().item()) < 5 * bound / math.sqrt(3 * weight.numel())
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
        assert layer.weight.std().item() == pytest.approx(nn.Linear(fan_in, 300).weight.std().item(), rel=0.03)


def test_networks_have_silu_between_linear_layers_and_none_at_the_end():
    net = mlp([3, 8, 8, 2], generator=seeded())
    assert [type(layer) for layer in net] == [nn.Linear, nn.SiLU] * 2 + [nn.Linear]
    assert [tuple(p.shape) for p in net.parameters()] == [(8, 3), (8,), (8, 8), (8,), (2, 8), (2,)]
    assert [type(layer) for layer in mlp([3, 2], generator=seeded())] == [nn.Linear]


def test_the_generator_decides_the_weights_and_the_global_state_is_left_alone():
    state = torch.get_rng_state()
    first, same, other = (mlp([3, 8, 2], generator=seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    for a, b, c in zip(first.parameters(), same.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c) and a.requires_grad


def test_a_residual_encoder_is_the_projection_plus_the_network():
    weight, net, x = normal(2, 3), mlp([3, 8, 2], generator=seeded()).double(), normal(4, 5, 3, seed=1)
    encoder = ResidualEncoder(weight, net)
    torch.testing.assert_close(encoder(x), torch.einsum("ij,...j->...i", weight, x) + net(x))
    assert {"weight", "network.0.weight"} <= set(dict(encoder.named_parameters()))


def test_a_residual_encoder_trains_a_copy_of_the_modes():
    weight = normal(2, 3)
    before = weight.clone()
    encoder = ResidualEncoder(weight, mlp([3, 2], generator=seeded()).double())
    encoder(normal(4, 3)).square().sum().backward()
    torch.optim.SGD(encoder.parameters(), 0.1).step()
    assert torch.equal(weight, before) and not torch.equal(encoder.weight, before)


# What is refused.


@pytest.mark.parametrize("make", [KoopmanAE, KoopmanVAE])
def test_sizes_below_one_or_not_whole_are_refused(make):
    with pytest.raises(ValueError, match="d is 0; expected an integer >= 1"):
        make(nn.Identity(), nn.Identity(), 0)
    with pytest.raises(TypeError, match=r"d is 2\.0; expected an integer >= 1"):
        make(nn.Identity(), nn.Identity(), 2.0)


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="operator is 'mean'; expected one of"):
        identity_model(operator="mean")
    with pytest.raises(ValueError, match="ridge is -1; expected a finite number >= 0"):
        identity_model(ridge=-1)
    with pytest.raises(ValueError, match="likelihood is 'poisson'; expected one of"):
        KoopmanVAE(nn.Identity(), nn.Identity(), 2, likelihood="poisson")


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 1, 3), (0, 4, 3)])
@pytest.mark.parametrize("model", [network(), network(operator="parameter"), variational("gaussian")])
def test_what_is_no_batch_of_windows_is_refused(model, shape):
    with pytest.raises(ValueError, match=r"windows has shape .*; expected \(B, T, n\) with T >= 2"):
        model(torch.zeros(shape, dtype=torch.float64))


def test_an_encoder_of_another_size_than_d_is_refused():
    with pytest.raises(ValueError, match="the encoder gives 3 numbers; expected d = 2"):
        KoopmanAE(nn.Identity(), nn.Identity(), 2)(torch.zeros(2, 4, 3))
    with pytest.raises(ValueError, match="the encoder gives 3 numbers; expected 2 d = 4"):
        KoopmanVAE(nn.Identity(), nn.Identity(), 2)(torch.zeros(2, 4, 3))


def test_pixels_outside_0_to_1_have_no_bernoulli_likelihood():
    model = variational("bernoulli")
    for value in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"windows reaches from .* to .*; expected values in \[0, 1\]"):
            model(torch.full((2, 4, 3), value, dtype=torch.float64))
    assert torch.isfinite(variational("gaussian")(torch.full((2, 4, 3), 1.1, dtype=torch.float64)).forward)


def test_windows_that_are_not_finite_are_refused_when_the_operator_is_solved():
    with pytest.raises(ValueError, match="NaN or infinite"):
        network().train()(torch.full((2, 4, 3), torch.nan, dtype=torch.float64))


@pytest.mark.parametrize(
    ("widths", "message"),
    [([], "expected at least two"), ([3], "expected at least two"), ([3, 0, 2], r"widths is \[3, 0, 2\]")],
)
def test_networks_without_layers_or_neurons_are_refused(widths, message):
    with pytest.raises(ValueError, match=message):
        mlp(widths, generator=seeded())


@pytest.mark.parametrize(
    "weight", [torch.ones(3), torch.ones(2, 2, 3), torch.tensor([[1.0, torch.nan]]), torch.tensor([[torch.inf]])]
)
def test_a_residual_encoder_refuses_what_is_no_finite_matrix(weight):
    with pytest.raises(ValueError, match=r"weight has shape .*; expected a finite matrix"):
        ResidualEncoder(weight, nn.Identity())
