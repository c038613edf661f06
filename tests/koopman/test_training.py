"""Training: windows, what is recorded, reproducibility, and what the sign of the entropy does to the latents."""

import numpy as np
import pytest
import torch

from corelib.koopman.autoencoders import KoopmanAE, KoopmanVAE, mlp
from corelib.koopman.information_loss import InformationLoss, LossTerms
from corelib.koopman.operators import koopman_least_squares, rollout
from corelib.koopman.spectra import effective_dimension, entropy_from_spectrum
from corelib.koopman.training import History, fit_koopman, sliding_windows

pytestmark = pytest.mark.ch05


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small_windows(count=24, length=5, n=3, seed=0):
    return torch.randn(count, length, n, generator=seeded(seed))


def small_model(seed=1, n=3, d=2, **options):
    generator = seeded(seed)
    return KoopmanAE(mlp([n, 8, d], generator=generator), mlp([d, 8, n], generator=generator), d, **options)


def small_vae(seed=1, n=3, d=2):
    generator = seeded(seed)
    encoder, decoder = mlp([n, 8, 2 * d], generator=generator), mlp([d, 8, n], generator=generator)
    return KoopmanVAE(encoder, decoder, d, likelihood="gaussian")


def fit(model, windows=None, loss=None, **options):
    windows = small_windows() if windows is None else windows
    options = {"steps": 4, "batch_size": 6, "progress": False} | options
    return fit_koopman(model, windows, loss or InformationLoss(gamma=0.1), **options)


# Windows.


def test_windows_are_the_runs_of_consecutive_states():
    x = torch.arange(12.0).reshape(6, 2)
    windows = sliding_windows(x, 4)
    assert windows.shape == (3, 4, 2)
    assert all(torch.equal(windows[i], x[i : i + 4]) for i in range(3))


@pytest.mark.parametrize("length", [2, 3, 7])
def test_windows_never_cross_from_one_run_to_another(length):
    runs, times = torch.meshgrid(torch.arange(3), torch.arange(7), indexing="ij")
    windows = sliding_windows(torch.stack([runs, times], -1).double(), length)
    assert windows.shape == (3 * (7 - length + 1), length, 2)
    assert (windows[..., 0] == windows[:, :1, 0]).all() and (windows[..., 1].diff(dim=1) == 1).all()
    assert len(windows[:, 0].unique(dim=0)) == len(windows)


@pytest.mark.parametrize(
    ("shape", "length", "error", "message"),
    [
        ((4, 2), 5, ValueError, r"x has shape \(4, 2\); expected .* with T >= length = 5"),
        ((3, 4, 2), 5, ValueError, r"x has shape \(3, 4, 2\)"),
        ((9,), 2, ValueError, r"x has shape \(9,\)"),
        ((2, 3, 9, 2), 2, ValueError, r"x has shape \(2, 3, 9, 2\)"),
        ((9, 2), 1, ValueError, "length is 1; expected an integer >= 2"),
        ((9, 2), 2.0, TypeError, "length is 2.0; expected an integer >= 2"),
    ],
)
def test_windows_refuse_other_shapes_and_lengths(shape, length, error, message):
    with pytest.raises(error, match=message):
        sliding_windows(torch.zeros(shape), length)


# What training leaves behind.


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_history_has_a_row_for_each_step_and_a_spectrum_for_each_snapshot(steps):
    history = fit(small_model(), steps=steps, snapshots=(0, 1))
    assert set(history.terms) == set(LossTerms._fields)
    assert all(values.shape == (steps,) and np.isfinite(values).all() for values in history.terms.values())
    assert history.snapshots.tolist() == sorted({0, 1, steps})
    assert history.spectra.shape == (len(history.snapshots), 2)
    np.testing.assert_allclose(history.spectra.sum(1), 1)
    assert (np.diff(history.spectra, axis=1) <= 0).all() and (history.spectra >= 0).all()


def test_recorded_terms_add_up_to_the_recorded_total():
    terms = fit(small_model(), loss=InformationLoss(alpha=0.3, beta=0.2, gamma=0.1, k=1)).terms
    total = terms["forward"] + terms["identity"] + 0.2 * terms["structure"] + 0.3 * terms["infonce"]
    np.testing.assert_allclose(terms["total"], total - 0.1 * terms["entropy"], rtol=1e-6)


def test_the_last_spectrum_is_that_of_the_trained_latents_of_all_windows():
    model, windows = small_model(), small_windows()
    history = fit(model, windows)
    with torch.no_grad():
        expected = effective_dimension(model.encode(windows)).item()
    assert history.snapshots.tolist() == [4]
    assert history.effective_dimension()[-1] == pytest.approx(expected, rel=1e-9)


def test_the_first_spectrum_is_that_of_the_untrained_latents():
    model, windows = small_model(), small_windows()
    with torch.no_grad():
        expected = effective_dimension(model.encode(windows)).item()
    assert fit(model, windows, snapshots=[0]).effective_dimension()[0] == pytest.approx(expected, rel=1e-9)


def test_spectra_are_those_at_evaluation():
    windows = small_windows()
    model = KoopmanAE(torch.nn.Dropout(0.5), torch.nn.Linear(3, 3), 3)
    expected = effective_dimension(windows).item()
    history = fit(model, windows, snapshots=range(5))
    np.testing.assert_allclose(history.effective_dimension(), expected, rtol=1e-9)


def test_the_effective_dimension_of_a_history_is_that_of_its_spectra():
    spectra = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.5, 0.3, 0.2], [1 / 3] * 3])
    history = History({}, np.arange(4), spectra)
    np.testing.assert_allclose(history.effective_dimension(), entropy_from_spectrum(torch.tensor(spectra)).exp())
    np.testing.assert_allclose(history.effective_dimension(), [1, 2, 2.800094, 3], rtol=1e-6)


@pytest.mark.parametrize("operator", ["least_squares", "window_mean"])
def test_the_operator_is_that_of_all_windows_under_the_trained_encoder(operator):
    model, windows = small_model(operator=operator), small_windows()
    fit(model, windows)
    with torch.no_grad():
        z = model.encode(windows)
    pooling = "all" if operator == "least_squares" else operator
    expected = koopman_least_squares(z[:, :-1], z[:, 1:], pooling=pooling)
    torch.testing.assert_close(model.K, expected)
    assert model.K.shape == (2, 2) and not model.training


@pytest.mark.parametrize("make", [small_vae, lambda: small_model(operator="parameter")])
def test_a_trained_operator_has_left_its_start(make):
    model = make()
    fit(model)
    assert not torch.equal(model.K, 0.95 * torch.eye(2)) and not model.training


def test_training_brings_the_loss_down():
    for model in (small_model(), small_vae()):
        total = fit(model, loss=InformationLoss(beta=0.1), steps=100, lr=1e-2).terms["total"]
        assert total[-20:].mean() < 0.8 * total[:20].mean()


def test_a_linear_system_is_learned_up_to_coordinates():
    """Two of three directions move; the eigenvalues of the latent operator are theirs."""
    turn = 0.95 * torch.tensor([[0.8, -0.6], [0.6, 0.8]])
    start = torch.randn(100, 2, generator=seeded())
    path = torch.cat([start[:, None], rollout(turn, start, 5)], 1)
    windows = path @ torch.randn(3, 2, generator=seeded(1)).T
    generator = seeded(2)
    model = KoopmanAE(mlp([3, 2], generator=generator), mlp([2, 3], generator=generator), 2, ridge=1e-6)
    history = fit(model, windows, InformationLoss(), steps=150, batch_size=32, lr=5e-2)
    found, truth = (torch.linalg.eigvals(k) for k in (model.K, turn))
    assert history.terms["forward"][-1] < 1e-2 * history.terms["forward"][0]
    assert abs(found.abs().mean() - truth.abs().mean()) < 5e-3
    assert abs(found.angle().abs().mean() - truth.angle().abs().mean()) < 5e-3


# Reproducibility.


@pytest.mark.parametrize("make", [small_model, small_vae])
def test_seeds_decide_everything_bit_by_bit(make):
    state = torch.get_rng_state()
    first, same, other = (make() for _ in range(3))
    one, again, different = fit(first, seed=3), fit(same, seed=3), fit(other, seed=4)
    for name in one.terms:
        assert np.array_equal(one.terms[name], again.terms[name])
    assert np.array_equal(one.spectra, again.spectra)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), same.state_dict().values(), strict=True))
    assert not np.array_equal(one.terms["total"], different.terms["total"])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("make", [small_model, small_vae])
def test_looking_at_the_latents_does_not_change_the_training(make):
    unseen, seen = make(), make()
    fit(unseen)
    fit(seen, snapshots=range(5))
    assert all(torch.equal(a, b) for a, b in zip(unseen.parameters(), seen.parameters(), strict=True))


def test_windows_are_left_as_they_are_and_float64_stays_float64():
    windows = small_windows().double()
    before = windows.clone()
    model = small_model().double()
    fit(model, windows)
    assert torch.equal(windows, before) and model.K.dtype == torch.float64


def test_one_window_of_odd_length_is_enough():
    history = fit(small_model(), small_windows(1, 3), batch_size=1)
    assert np.isfinite(history.terms["total"]).all()


def test_the_bar_is_shown_unless_refused(capsys):
    fit(small_model(), progress=True)
    assert "steps" in capsys.readouterr().err
    fit(small_model())
    assert capsys.readouterr().err == ""


# What the entropy does.


def curved_windows():
    """Four decaying directions of different strength, seen through a curved map into eight numbers."""
    k = torch.diag(torch.tensor([0.99, 0.9, 0.8, 0.6]))
    start = torch.randn(60, 4, generator=seeded()) * torch.tensor([1.0, 0.5, 0.3, 0.2])
    path = torch.cat([start[:, None], rollout(k, start, 5)], 1)
    seen = path @ torch.randn(8, 4, generator=seeded(1)).T
    return seen + 0.3 * seen**2


def spread_after_training(seed, **loss):
    generator = seeded(seed)
    model = KoopmanAE(mlp([8, 16, 4], generator=generator), mlp([4, 16, 8], generator=generator), 4)
    history = fit(model, curved_windows(), InformationLoss(**loss), steps=100, batch_size=16, lr=5e-3, seed=seed)
    return history.effective_dimension()[-1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rewarded_entropy_widens_the_latents_and_the_released_sign_narrows_them(seed):
    none = spread_after_training(seed)
    assert spread_after_training(seed, gamma=0.3) > 1.3 * none
    assert spread_after_training(seed, gamma=0.3, entropy="penalised_as_released") < none


# What is refused.


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"windows": torch.zeros(4, 3)}, ValueError, r"windows has shape \(4, 3\); expected \(B, T, n\) with T >= 2"),
        ({"windows": torch.zeros(4, 1, 3)}, ValueError, r"windows has shape \(4, 1, 3\)"),
        ({"windows": torch.zeros(0, 4, 3)}, ValueError, r"windows has shape \(0, 4, 3\)"),
        ({"windows": torch.full((4, 5, 3), torch.nan)}, ValueError, "windows holds NaN or infinite values"),
        ({"windows": torch.full((4, 5, 3), torch.inf)}, ValueError, "windows holds NaN or infinite values"),
        ({"windows": torch.ones(4, 5, 3)}, ValueError, "zero variance"),
        ({"windows": torch.ones(4, 5, 2)}, RuntimeError, "shapes cannot be multiplied"),
        ({"steps": 0}, ValueError, "steps is 0; expected an integer >= 1"),
        ({"steps": 2.0}, TypeError, r"steps is 2\.0; expected an integer >= 1"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; expected an integer >= 1"),
        ({"batch_size": 1.5}, TypeError, r"batch_size is 1\.5"),
        ({"lr": 0.0}, ValueError, r"lr is 0\.0; expected a finite number > 0"),
        ({"lr": float("nan")}, ValueError, "lr is nan"),
        ({"lr": float("inf")}, ValueError, "lr is inf"),
        ({"snapshots": [5]}, ValueError, r"snapshots holds \[5\]; expected steps from 0 to 4"),
        ({"snapshots": [-1]}, ValueError, r"snapshots holds \[-1\]"),
        ({"snapshots": [1.5]}, ValueError, r"snapshots holds \[1\.5\]"),
        ({"loss": InformationLoss(alpha=1.0)}, ValueError, r"expected at least 2 k \+ 2 = 8 times"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        fit(small_model(), **change)


@pytest.mark.parametrize("make", [small_model, lambda: small_model(operator="parameter"), small_vae])
@pytest.mark.parametrize("lr", [1e12, 1e30])
def test_a_learning_rate_that_breaks_the_weights_is_named(make, lr):
    with pytest.raises(FloatingPointError, match=r"at step \d+.*try a smaller lr"):
        fit(make(), lr=lr, steps=10)
