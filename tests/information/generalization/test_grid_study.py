"""Grids of networks: rows, independence of settings, what is measured and on what, refusals."""

import numpy as np
import pytest
import torch

from corelib.datasets import clusters, flip_labels
from corelib.information.encoder import conditional_encoder_information
from corelib.information.generalization.grid_study import Setting, measure_information, measure_norms, run_grid
from corelib.training import StochasticEncoderEnsemble, evaluate_encoders, train_encoders

pytestmark = pytest.mark.ch01
POPULATION = clusters(400, centers=3, std=1.5, seed=2)
SETTINGS = [
    Setting(30, (8,), 0.2, 0.01, 0.1),
    Setting(12, (8, 8)),
    Setting(30, (8,)),
    Setting(30, (8,), 0.2),
]


def run(settings, **changes):
    options = {"draws": 2, "steps": 8, "lr": 0.05, "code_size": 2, "n_test": 100, "n_held_out": 60, "seed": 4}
    return run_grid(POPULATION, settings, **options | changes)


@pytest.fixture(scope="module")
def study():
    return run(SETTINGS)


def test_rows_follow_the_settings_with_their_draws_inside(study):
    assert study.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert study.draws.tolist() == [0, 1] * 4
    assert study.column("n").tolist() == [30, 30, 12, 12, 30, 30, 30, 30]
    assert study.column("depth").tolist() == [1, 1, 2, 2, 1, 1, 1, 1]
    assert study.column("width").tolist() == [8] * 8
    assert study.column("beta").tolist() == [0.1, 0.1] + [0] * 6
    np.testing.assert_allclose(study.error_gap, study.test_error - study.train_error)


@pytest.mark.parametrize("index", range(4))
def test_a_setting_alone_is_what_it_is_in_the_grid(study, index):
    alone = run([SETTINGS[index]])
    own = study.groups == index
    np.testing.assert_allclose(alone.loss_gap, study.loss_gap[own], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone.information["mc"], study.information["mc"][own], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(alone.norms["path"], study.norms["path"][own], rtol=1e-4)


def test_one_network_by_hand(study):
    """Training set, noise in training and test labels alike, and the measurements of setting 3, draw 0."""
    noisy = flip_labels(POPULATION, 0.2, seed=4 + 1)
    net = StochasticEncoderEnsemble((2, 8, 2, 3), seeds=[4, 5])
    orders = torch.Generator().manual_seed(4)
    order, other = (torch.randperm(400, generator=orders) for _ in range(2))
    train, test = order[:30], order[-100:]
    noisy_other = flip_labels(POPULATION, 0.2, seed=4 + 2)
    x = torch.stack([noisy.x[train], noisy_other.x[other[:30]]])
    y = torch.stack([noisy.y[train], noisy_other.y[other[:30]]])
    train_encoders(net, x, y, steps=8, lr=0.05)
    noise = torch.Generator().manual_seed(4)
    x_test = torch.stack([noisy.x[test], noisy_other.x[other[-100:]]])
    y_test = torch.stack([noisy.y[test], noisy_other.y[other[-100:]]])
    before, after = (evaluate_encoders(net, *part, generator=noise) for part in ((x, y), (x_test, y_test)))
    own = study.groups == 3
    np.testing.assert_allclose(study.train_error[own], before.error, atol=1e-6)
    np.testing.assert_allclose(study.loss_gap[own], after.loss - before.loss, rtol=1e-3, atol=1e-4)


def test_information_is_measured_on_what_it_is_given():
    net = StochasticEncoderEnsemble((2, 8, 2, 3), seeds=[0, 1])
    x, y = POPULATION.x[:50], POPULATION.y[:50]
    found = measure_information(net, x, y, torch.Generator().manual_seed(3))
    codes = net.encode(x)
    z = codes.mean + codes.std * torch.randn(50, 2, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(found["mc"], conditional_encoder_information(codes, y, "mc", z=z))
    assert (found["unconditional"] > found["mc"]).all()
    assert (found["jensen"] >= found["mc"]).all()


def test_norms_count_both_networks():
    net = StochasticEncoderEnsemble((2, 8, 4, 3), seeds=[0, 1])
    norms = measure_norms(net)
    assert norms["parameters"].tolist() == [net.parameters.shape[1]] * 2
    weights = [*net.mean_weights, *net.std_weights, net.classifier_weight]
    torch.testing.assert_close(norms["squared_frobenius"], sum(w.double().square().sum((1, 2)) for w in weights))


def test_measures_hold_the_baseline_and_respect_their_formulas(study):
    measures = study.measures()
    n = study.column("n")
    np.testing.assert_allclose(measures["1/sqrt(n)"], 1 / np.sqrt(n))
    np.testing.assert_allclose(measures["sqrt((I(X;Z|Y) + 1)/n)"], np.sqrt((study.information["mc"] + 1) / n))
    np.testing.assert_allclose(measures["sqrt(m/n)"] ** 2 * n, measures["parameters m"])
    assert all(np.isfinite(values).all() and values.shape == (8,) for values in measures.values())


def test_progress_changes_nothing(study, capsys):
    shown = run_grid(
        POPULATION,
        SETTINGS[:1],
        draws=2,
        steps=8,
        lr=0.05,
        code_size=2,
        n_test=100,
        n_held_out=60,
        seed=4,
        progress=True,
    )
    np.testing.assert_array_equal(shown.test_error, study.test_error[study.groups == 0])
    assert "shapes" in capsys.readouterr().err


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="settings, draws are 0, 2"):
        run([])
    with pytest.raises(ValueError, match="settings, draws are 4, 0"):
        run(SETTINGS, draws=0)
    with pytest.raises(ValueError, match="what 400 samples leave beside 30"):
        run(SETTINGS, n_test=371)
    with pytest.raises(ValueError, match="n_test, n_held_out are 50, 60"):
        run(SETTINGS, n_test=50)
    with pytest.raises(ValueError, match="name is 'lr'; expected one of width"):
        run(SETTINGS[:1], steps=1).column("lr")
