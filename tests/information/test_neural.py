"""Bounds by a critic: closed forms for given scores, and trained critics on Gaussians of known information."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from corelib.information.neural import CriticMI, dv_bound, infonce_bound, nwj_bound

pytestmark = pytest.mark.ch02

SCORES = st.floats(-50, 50)
VECTORS = arrays(np.float64, st.integers(1, 12), elements=SCORES)
MATRICES = st.integers(1, 8).flatmap(lambda b: arrays(np.float64, (b, b), elements=st.floats(-1e6, 1e6)))
QUICK = {"hidden": 32, "steps": 150, "batch_size": 128, "lr": 3e-3}


def pairs(n, information, seed=0):
    rng = np.random.default_rng(seed)
    rho = math.sqrt(1 - math.exp(-2 * information))
    x = rng.standard_normal(n)
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal(n)


def log_ratio(x, y, information):
    """ln p(x, y) / p(x) p(y) of :func:`pairs`."""
    left, rho = math.exp(-2 * information), math.sqrt(1 - math.exp(-2 * information))
    return information + (2 * rho * x * y - rho**2 * (x**2 + y**2)) / (2 * left)


@pytest.mark.parametrize("information", [0.0, 0.2, 0.5])
def test_the_best_critic_attains_the_information(information):
    x, y = pairs(200_000, information)
    joint, mixed = (log_ratio(x, other, information) for other in (y, np.roll(y, 1)))
    assert dv_bound(joint, mixed).item() == pytest.approx(information, abs=0.02)
    assert nwj_bound(joint + 1, mixed + 1).item() == pytest.approx(information, abs=0.02)
    table = log_ratio(x[:1000, None], y[None, :1000], information)
    assert infonce_bound(table).item() == pytest.approx(information, abs=0.1)


@given(SCORES, st.integers(1, 9), st.integers(1, 9))
def test_a_constant_critic_knows_nothing(c, n, m):
    assert dv_bound(np.full(n, c), np.full(m, c)).item() == pytest.approx(0, abs=1e-12)
    assert infonce_bound(np.full((n, n), c)).item() == pytest.approx(0, abs=1e-12)
    assert nwj_bound(np.full(n, c), np.full(m, c)).item() == pytest.approx(c - math.exp(c - 1), rel=1e-12, abs=1e-12)


def test_the_bounds_by_hand():
    assert nwj_bound([0.0], [0.0]).item() == pytest.approx(-1 / math.e, rel=1e-15)
    assert nwj_bound([1.0], [1.0]).item() == 0
    assert dv_bound([1.0, 2.0], [0.0, math.log(3)]).item() == pytest.approx(1.5 - math.log(2), rel=1e-15)
    table = [[math.log(3), 0.0], [0.0, math.log(7)]]
    assert infonce_bound(table).item() == pytest.approx((math.log(3 / 2) + math.log(7 / 4)) / 2, rel=1e-14)


@given(MATRICES)
def test_infonce_never_exceeds_the_logarithm_of_the_batch(table):
    assert infonce_bound(table).item() <= math.log(len(table)) + 1e-9
    moved = infonce_bound(table + np.arange(len(table))[:, None]).item()  # a number for each x cancels
    assert moved == pytest.approx(infonce_bound(table).item(), abs=1e-8)


@given(VECTORS, VECTORS, st.floats(-1e3, 1e3))
def test_a_constant_cancels_in_dv_and_dv_is_the_best_nwj(joint, mixed, c):
    dv = dv_bound(joint, mixed).item()
    assert dv_bound(joint + c, mixed + c).item() == pytest.approx(dv, abs=1e-9)
    assert nwj_bound(joint, mixed).item() <= dv + 1e-9
    best = 1 - (joint.mean() - dv)  # the shift that makes the mean of e^(T - 1) equal to 1
    assert nwj_bound(joint + best, mixed + best).item() == pytest.approx(dv, abs=1e-9)


def test_huge_scores_stay_finite():
    assert math.isfinite(dv_bound([1e300, -1e300], [1e300, -1e300]).item())
    assert dv_bound([1e4], [1e4, -1e4]).item() == pytest.approx(math.log(2), abs=1e-11)
    assert dv_bound([-1e4], [-1e4]).item() == 0
    assert nwj_bound([-1e300], [-1e300]).item() == -1e300
    assert infonce_bound(1e5 * np.eye(4)).item() == pytest.approx(math.log(4), abs=1e-10)
    assert math.isfinite(infonce_bound(-1e300 * np.eye(4)).item())


def test_tensors_keep_their_gradient_and_integers_are_welcome():
    joint, mixed = torch.tensor([1.0, 2.0], requires_grad=True), torch.zeros(4, requires_grad=True)
    dv_bound(joint, mixed).backward()
    assert joint.grad.tolist() == [0.5, 0.5] and mixed.grad.tolist() == [-0.25] * 4
    assert dv_bound(torch.tensor([1, 2]), torch.tensor([0])).item() == 1.5


@pytest.mark.parametrize("objective, name", [("dv", "Donsker-Varadhan"), ("nwj", "NWJ"), ("infonce", "InfoNCE")])
@pytest.mark.parametrize("truth, below, above", [(0.0, 0.05, 0.03), (1.0, 0.2, 0.15)])
def test_a_trained_critic_finds_about_the_information(objective, name, truth, below, above):
    """The bands are for 2,000 held-out pairs; seeds 0 to 3 found -0.01 .. 0.00 and 0.94 .. 1.03."""
    critic = CriticMI(objective, **QUICK)
    found = critic.estimate(*pairs(4000, truth))
    assert truth - below < found.value < truth + above
    assert 0 <= found.stderr < 0.1 and found.n == (1920 if objective == "infonce" else 2000)
    assert found.value == pytest.approx(found.local.mean(), abs=1e-12) and found.local.shape == (found.n,)
    assert found.settings == str(critic) == f"{name} bound, critic 32-32, 150 steps of 128, held-out half"


@pytest.mark.parametrize("objective", ["dv", "nwj", "infonce"])
def test_a_seed_fixes_everything_and_the_global_generator_is_left_alone(objective):
    x, y = pairs(301, 0.5)
    state = torch.random.get_rng_state()
    critic = CriticMI(objective, hidden=8, steps=5, batch_size=50)
    first, other = critic.estimate(x, y), CriticMI(objective, hidden=8, steps=5, batch_size=50, seed=1).estimate(x, y)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)  # nor does it matter what state that is in
    again = critic(torch.from_numpy(x), torch.from_numpy(y)[:, None])
    assert again.value == first.value != other.value and np.array_equal(again.local, first.local)
    assert first.n == 150


def test_only_pairs_held_out_are_judged():
    x, y = np.random.default_rng(0).standard_normal((2, 60))  # independent, and few enough to learn by heart
    assert CriticMI("dv", steps=150, lr=1e-2).estimate(x, y).value < 0
    assert CriticMI("infonce", steps=0, batch_size=40).estimate(*pairs(201, 1.0)).n == 80  # whole batches of the 100


def test_infonce_stays_below_the_logarithm_of_its_batch():
    found = CriticMI("infonce", **QUICK | {"batch_size": 16}).estimate(*pairs(1000, 4.0))
    assert 0.55 * math.log(16) < found.value <= math.log(16) and found.local.max() <= math.log(16) + 1e-9


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: CriticMI("mine"), "objective is 'mine'; expected one of"),
        (lambda x: CriticMI(steps=-1), "steps is -1; expected an integer >= 0"),
        (lambda x: CriticMI(hidden=1.5), "hidden is 1.5; expected an integer >= 1"),
        (lambda x: CriticMI(batch_size=1), "batch_size is 1; expected an integer >= 2"),
        (lambda x: CriticMI(lr=0.0), "lr is 0.0; expected a finite number > 0"),
        (lambda x: CriticMI(lr=math.nan), "lr is nan"),
        (lambda x: CriticMI()(x, x * np.nan), "y holds 20 NaN"),
        (lambda x: CriticMI()(x, x[1:]), "x and y have 20 and 19 samples"),
        (lambda x: CriticMI()(x[:3], x[:3]), "x has 3 samples; expected at least 4"),
        (lambda x: dv_bound(x, x[:0]), r"marginal_scores has shape \(0,\)"),
        (lambda x: nwj_bound(x[:, None], x), r"joint_scores has shape \(20, 1\); expected \(N,\)"),
        (lambda x: dv_bound(x, x / 0), "marginal_scores holds 20 NaN or infinite"),
        (lambda x: infonce_bound(x[None]), r"score_matrix has shape \(1, 20\); expected \(B, B\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0).standard_normal(20))
