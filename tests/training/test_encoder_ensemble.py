"""Ensembles of stochastic encoders against plain torch modules of the same weights."""

import math

import pytest
import torch
from torch import nn

from corelib.information.encoder import encoder_information
from corelib.training.encoder_ensemble import StochasticEncoderEnsemble

pytestmark = pytest.mark.ch01
SIZES = (3, 7, 5, 4, 2)  # two hidden layers, codes of width 4, two classes


def ensemble(seeds=(0, 1, 2), sizes=SIZES, **settings):
    return StochasticEncoderEnsemble(sizes, seeds, **{"dtype": torch.float64, **settings})


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(weights, biases, model):
    layers = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=weight.dtype)
        linear.weight.data, linear.bias.data = weight[model], bias[model]
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("shared", [True, False])
def test_scores_are_those_of_plain_modules(shared):
    models, x = ensemble(), normal(6, 3) if shared else normal(3, 6, 3)
    noise = normal(6, 4, seed=1) if shared else normal(3, 6, 4, seed=1)
    logits, codes, z = models.forward(x, noise)
    for m in range(3):
        mine, draw = (x, noise) if shared else (x[m], noise[m])
        mean = network(models.mean_weights, models.mean_biases, m)(mine)
        std = nn.functional.softplus(network(models.std_weights, models.std_biases, m)(mine))
        torch.testing.assert_close(codes.mean[m], mean)
        torch.testing.assert_close(codes.std[m], std)
        torch.testing.assert_close(z[m], mean + std * draw)
        torch.testing.assert_close(logits[m], z[m] @ models.classifier_weight[m].T + models.classifier_bias[m])
    assert logits.shape == (3, 6, 2)
    torch.testing.assert_close(models.encode(x).mean, codes.mean)


def test_the_code_may_be_one_layer_away_from_the_inputs():
    models = ensemble(sizes=(3, 2, 5))
    x = normal(4, 3)
    torch.testing.assert_close(models.encode(x).mean[0], x @ models.mean_weights[0][0].T + models.mean_biases[0][0])


def test_initial_weights_spread_as_those_of_torchs_linear_layer():
    models = ensemble(seeds=range(40), sizes=(30, 50, 20, 5))
    layers = [(*models.mean_weights, models.classifier_weight), (*models.mean_biases, models.classifier_bias)]
    for weight, bias in zip(*layers, strict=True):
        peer = nn.Linear(weight.shape[2], weight.shape[1])
        bound = weight.shape[2] ** -0.5
        for mine, theirs in ((weight, peer.weight), (bias, peer.bias)):
            assert mine.abs().max() <= bound and theirs.abs().max() <= bound
            assert mine.abs().max() > 0.9 * bound
            assert mine.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
            assert abs(mine.mean().item()) < 4 * bound / 3**0.5 / mine.numel() ** 0.5


def test_the_two_networks_and_the_models_differ_but_a_seed_gives_one_model():
    models = ensemble(seeds=(4, 5, 4))
    assert torch.equal(models.parameters[0], models.parameters[2])
    assert (models.parameters[0] != models.parameters[1]).all()
    assert all((a != b).all() for a, b in zip(models.mean_weights, models.std_weights, strict=True))


def test_a_model_is_the_same_in_any_ensemble_and_precision():
    alone, beside = ensemble(seeds=(7,)), ensemble(seeds=(1, 2, 7))
    assert torch.equal(alone.parameters[0], beside.parameters[2])
    single = ensemble(seeds=(7,), dtype=torch.float32)
    assert torch.equal(single.parameters, alone.parameters.float())


def test_named_tensors_cover_every_parameter_once_and_are_views():
    models = ensemble()
    named = [*models.mean_weights, *models.mean_biases, *models.std_weights, *models.std_biases]
    named += [models.classifier_weight, models.classifier_bias]
    for count, tensor in enumerate(named, start=1):
        tensor.fill_(count)
    sizes = torch.tensor([tensor[0].numel() for tensor in named])
    found = models.parameters.long().flatten().bincount()[1:]
    assert torch.equal(found, 3 * sizes) and models.parameters.shape == (3, sizes.sum())


@pytest.mark.parametrize("layers", [1, 2, 3, None])
def test_columns_of_the_first_layers_hold_both_networks_and_no_classifier(layers):
    models = ensemble()
    models.parameters.zero_()
    groups = (models.mean_weights, models.mean_biases, models.std_weights, models.std_biases)
    for group in groups:
        for tensor in group[:layers]:
            tensor.fill_(1)
    columns = models.encoder_columns(layers)
    assert models.parameters[:, columns].all()
    assert not models.parameters[:, columns.stop :].any()


def test_deviations_never_fall_below_the_floor():
    models = ensemble(std_floor=0.02)
    models.std_biases[-1].fill_(-1e3)
    models.std_weights[-1].zero_()
    assert (models.encode(normal(4, 3)).std == 0.02).all()


def test_selected_models_are_independent_copies_in_the_order_given():
    models = ensemble(seeds=(3, 4, 5))
    chosen = models.select([2, 0])
    assert chosen.seeds == (5, 3) and chosen.n_models == 2 and chosen.std_floor == models.std_floor
    x, noise = normal(5, 3), normal(5, 4)
    torch.testing.assert_close(chosen.forward(x, noise)[0], models.forward(x, noise)[0][[2, 0]])
    chosen.parameters.zero_()
    assert models.parameters.all()


def test_scaling_a_hidden_layer_and_its_successor_changes_weights_but_nothing_measured():
    models, x, noise = ensemble(), normal(20, 3), normal(20, 4)
    logits, codes, z = models.forward(x, noise)
    size = models.parameters.norm(dim=1)
    for weights, biases in ((models.mean_weights, models.mean_biases), (models.std_weights, models.std_biases)):
        weights[0].mul_(10)
        biases[0].mul_(10)
        weights[1].div_(10)
    rescaled, others, draw = models.forward(x, noise)
    torch.testing.assert_close(rescaled, logits)
    for method in ("mc", "loo", "jensen", "kl_upper", "bhatt_lower"):
        before, after = encoder_information(codes, method, z=z), encoder_information(others, method, z=draw)
        torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    assert (models.parameters.norm(dim=1) > 2 * size).all()


def test_dead_units_add_parameters_and_nothing_else():
    narrow, wide = ensemble(sizes=(3, 7, 4, 2)), ensemble(sizes=(3, 9, 4, 2))
    pairs = zip(narrow._views(), wide._views(), strict=True)
    for ours, theirs in pairs:
        theirs.zero_()
        theirs[tuple(slice(n) for n in ours.shape)] = ours
    x, noise = normal(6, 3), normal(6, 4)
    torch.testing.assert_close(wide.forward(x, noise)[0], narrow.forward(x, noise)[0])
    assert wide.parameters.shape[1] == narrow.parameters.shape[1] + 2 * 2 * (3 + 1 + 4)


@pytest.mark.parametrize(
    ("sizes", "seeds", "floor", "message"),
    [
        ((3, 2), (0,), 1e-3, "sizes is"),
        ((3, 0, 2), (0,), 1e-3, "sizes is"),
        (SIZES, (), 1e-3, "seeds is"),
        (SIZES, (0, -1), 1e-3, "seeds is"),
        (SIZES, (0,), 0.0, "std_floor is 0.0"),
        (SIZES, (0,), math.nan, "std_floor is nan"),
    ],
)
def test_ensembles_that_cannot_be_are_refused(sizes, seeds, floor, message):
    with pytest.raises(ValueError, match=message):
        StochasticEncoderEnsemble(sizes, seeds, std_floor=floor)


@pytest.mark.parametrize("shape", [(3,), (5, 2), (2, 5, 3), (1, 3, 5, 3), (0, 3)])
def test_inputs_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="x has shape"):
        ensemble().encode(torch.zeros(shape))


def test_what_is_not_finite_is_named():
    models, x = ensemble(), normal(5, 3)
    with pytest.raises(ValueError, match="x holds NaN"):
        models.encode(x.log())
    for shape in ((5, 3), (2, 5, 4), (4,)):
        with pytest.raises(ValueError, match=r"noise has shape .* expected \(3, 5, 4\)"):
            models.forward(x, torch.zeros(shape))
    with pytest.raises(ValueError, match=r"layers is 4; expected an integer in 1 \.\. 3"):
        models.encoder_columns(4)
    models.mean_biases[1][1, 0] = math.inf
    models.std_biases[2][2] = math.nan
    with pytest.raises(FloatingPointError, match=r"models \[1, 2\]"):
        models.encode(x)
