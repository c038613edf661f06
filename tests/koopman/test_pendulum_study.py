"""The pendulum study: data as states and pixels, scores of latents, reproducibility, and what it refuses."""

import numpy as np
import pytest
import torch

from corelib.koopman.information_loss import InformationLoss
from corelib.koopman.pendulum_study import LATENTS, PENDULUM_LOSSES, PendulumData, pendulum_data, train_pendulum
from corelib.koopman.spectra import effective_dimension
from corelib.koopman.systems import pendulum

pytestmark = pytest.mark.ch05


@pytest.fixture(scope="module")
def data():
    return pendulum_data(8, seed=0, size=4), pendulum_data(5, seed=1, size=4)


def train(data, loss=None, **options):
    options = {"steps": 3, "progress": False} | options
    return train_pendulum(*data, loss or InformationLoss(beta=2.0), **options)


@pytest.mark.parametrize("size", [4, 7])
def test_data_are_thirteen_states_and_pairs_of_flat_pictures(size):
    data = pendulum_data(3, seed=0, size=size)
    assert data.states.shape == (3, 13, 2) and data.states.dtype == torch.float64
    assert data.frames.shape == (3, 13, 2 * size * size) and data.frames.dtype == torch.float32
    assert data.frames.min() >= 0 and data.frames.max() <= 1


def test_states_follow_the_pendulum_a_tenth_of_a_second_apart():
    states = pendulum_data(4, seed=3, size=4).states
    torch.testing.assert_close(pendulum(states[:, 0], 12, dt=0.1), states)


def test_each_pair_shows_the_present_and_the_next_picture():
    first, second = pendulum_data(4, seed=3, size=5).frames.unflatten(-1, (2, 25)).unbind(-2)
    assert torch.equal(second[:, :-1], first[:, 1:])
    assert not torch.equal(second[:, -1], first[:, -1])  # the last pair needs a state that is not among the 13


def test_the_first_picture_of_a_pair_is_that_of_its_state():
    """The bright side of a picture is where the rod points: the state and the picture belong to one time."""
    data = pendulum_data(40, seed=0)
    picture = data.frames.unflatten(-1, (2, 16, 16))[..., 0, :, :].double()
    centre = torch.arange(16) - 7.5
    right, down = (picture * centre).sum((-1, -2)), (picture * centre[:, None]).sum((-1, -2))
    angle = data.states[..., 0]
    assert ((right * angle.sin() + down * angle.cos()) / torch.hypot(right, down)).min() > 0.99


def test_targets_are_the_point_on_the_circle_and_the_velocity():
    states = torch.tensor([[[0.0, 1.0], [np.pi / 2, -2.0]]], dtype=torch.float64)
    found = PendulumData(states, torch.zeros(1, 2, 32)).targets()
    np.testing.assert_allclose(found, [[1, 0, 1], [0, 1, -2]], atol=1e-15)


def test_data_are_decided_by_the_seed():
    first, same, other = (pendulum_data(3, seed=seed, size=4) for seed in (1, 1, 2))
    assert torch.equal(first.frames, same.frames) and not torch.equal(first.frames, other.frames)


def test_a_run_holds_the_latents_and_scores_that_its_model_gives(data):
    run = train(data)
    with torch.no_grad():
        latents = run.model.encode(data[1].frames).flatten(0, 1)
        spread = effective_dimension(run.model.encode(data[0].frames)).item()
    np.testing.assert_array_equal(run.latents, latents.numpy())
    assert run.latents.shape == (5 * 13, LATENTS) and run.r2.shape == (3,)
    assert run.effective_dimension == pytest.approx(spread) and 1 <= spread <= 3
    assert len(run.history.terms["total"]) == 3 and not run.model.training


def nearest_by_hand(seen, targets, new, truth, neighbours=8):
    predicted = np.stack([targets[np.argsort(((seen - z) ** 2).sum(1))[:neighbours]].mean(0) for z in new])
    return 1 - ((predicted - truth) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)


def test_scores_are_shares_of_held_out_variance_by_eight_neighbours(data):
    run = train(data)
    with torch.no_grad():
        seen = run.model.encode(data[0].frames).flatten(0, 1).numpy().astype(float)
    expected = nearest_by_hand(seen, data[0].targets(), run.latents.astype(float), data[1].targets())
    np.testing.assert_allclose(run.r2, expected, atol=1e-6)


def test_latents_that_tell_the_state_score_higher_than_latents_that_do_not(data):
    """Pictures replaced by the state itself, or by noise."""
    telling, noise = [], []
    for part, seed in zip((pendulum_data(60, seed=0, size=4), pendulum_data(20, seed=1, size=4)), (0, 1), strict=True):
        targets = torch.from_numpy(part.targets()).float().reshape(*part.states.shape[:2], 3)
        scaled = (targets / torch.tensor([1.0, 1.0, 9.0])) * 0.45 + 0.5
        telling.append(PendulumData(part.states, scaled.clamp(0, 1)))
        noise.append(PendulumData(part.states, torch.rand(scaled.shape, generator=torch.Generator().manual_seed(seed))))
    good, bad = train(telling), train(noise)
    assert good.r2.min() > 0.7 and bad.r2.max() < 0.2


@pytest.mark.parametrize("name", list(PENDULUM_LOSSES))
def test_every_setting_of_the_ablation_trains(data, name):
    run = train(data, PENDULUM_LOSSES[name])
    terms = run.history.terms
    assert np.isfinite(run.r2).all() and np.isfinite(terms["total"]).all()
    assert (terms["infonce"] > 0).all() == ("MI" in name)


def test_the_ablation_turns_contrast_and_entropy_on_and_off():
    assert {name: (loss.alpha > 0, loss.gamma > 0) for name, loss in PENDULUM_LOSSES.items()} == {
        "neither": (False, False),
        "MI only": (True, False),
        "MI + entropy": (True, True),
        "entropy only": (False, True),
    }
    assert {(loss.beta, loss.k, loss.negatives, loss.entropy) for loss in PENDULUM_LOSSES.values()} == {
        (2.0, 5, "batch", "rewarded")
    }


def test_seeds_decide_the_run(data):
    first, same, other = (train(data, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.latents, same.latents) and not np.array_equal(first.latents, other.latents)


def test_bad_input_is_refused(data):
    for change, error, message in [
        ({"n": 0}, ValueError, "n is 0; expected an integer >= 1"),
        ({"n": 1.5}, TypeError, r"n is 1\.5; expected an integer >= 1"),
        ({"size": 3}, ValueError, "size is 3; expected an integer >= 4"),
    ]:
        with pytest.raises(error, match=message):
            pendulum_data(**({"n": 2, "seed": 0} | change))
    with pytest.raises(ValueError, match="steps is 0; expected an integer >= 1"):
        train(data, steps=0)
    with pytest.raises(TypeError, match=r"steps is 2\.0; expected an integer >= 1"):
        train(data, steps=2.0)
    with pytest.raises(ValueError, match="held_out has 50 pixels a frame; expected 32, as train has"):
        train((data[0], pendulum_data(2, seed=0, size=5)))
