"""Sharing of power: solutions by hand, the conditions of the optimum, a general optimiser, and extreme gains."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from corelib.koopman.spectra import entropy_from_spectrum
from corelib.koopman.water_filling import entropic_water_filling, water_filling

pytestmark = pytest.mark.ch05

GAINS = torch.tensor([10, 2, 0.5], dtype=torch.float64)
many_gains = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)


def information(g, p):
    return 0.5 * torch.log1p(g * p).sum()


def objective(g, p, power, gamma):
    return information(g, p) + gamma * entropy_from_spectrum(p / power)


@pytest.mark.parametrize(
    ("power", "expected"), [(0.3, (0.3, 0, 0)), (1, (0.7, 0.3, 0)), (5, (2.4333333, 2.0333333, 0.5333333))]
)
def test_three_channels_fill_as_by_hand(power, expected):
    p = water_filling(GAINS, power)
    assert p.tolist() == pytest.approx(expected, abs=1e-7)
    assert p.dtype == torch.float64


def test_the_information_of_the_optimum_is_known():
    assert information(GAINS, water_filling(GAINS, 1)).item() == pytest.approx(1.2747226, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(many_gains, st.floats(1e-3, 1e3))
def test_wet_channels_share_one_level_and_dry_ones_lie_above_it(gains, power):
    g = torch.tensor(gains, dtype=torch.float64)
    p = water_filling(g, power)
    assert p.sum().item() == pytest.approx(power, rel=1e-12) and (p >= 0).all()
    level = (p + 1 / g)[p > 0]
    assert level.max().item() == pytest.approx(level.min().item(), rel=1e-9)
    assert (1 / g[p == 0] >= level.min() * (1 - 1e-9)).all()


def test_ties_share_alike_and_order_does_not_matter():
    g = torch.tensor([0.5, 2, 2, 10])
    p = water_filling(g, 1.5)
    assert p[1] == p[2] > 0
    torch.testing.assert_close(water_filling(g.flip(0), 1.5), p.flip(0))
    torch.testing.assert_close(water_filling(torch.ones(5), 2), torch.full((5,), 0.4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("gamma", "expected"), [(0.1, (0.653103, 0.336621, 0.010275)), (0.5, (0.510894, 0.331104, 0.158002))]
)
def test_the_entropic_optimum_is_known(gamma, expected):
    assert entropic_water_filling(GAINS, 1, gamma).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("gamma", "dimension"), [(0.1, 1.997284), (0.5, 2.719986), (5, 2.992523)])
def test_the_entropy_raises_the_effective_dimension(gamma, dimension):
    p = entropic_water_filling(GAINS, 1, gamma)
    assert entropy_from_spectrum(p).exp().item() == pytest.approx(dimension, abs=1e-6)


def test_a_small_weight_comes_close_to_plain_water_filling():
    torch.testing.assert_close(entropic_water_filling(GAINS, 1, 1e-3), water_filling(GAINS, 1), atol=6e-4, rtol=0)
    torch.testing.assert_close(entropic_water_filling(GAINS, 1, 1e-9), water_filling(GAINS, 1), atol=1e-7, rtol=0)
    assert entropic_water_filling(GAINS, 1, 0).equal(water_filling(GAINS, 1))


def test_a_large_weight_shares_evenly():
    even = torch.full((3,), 1 / 3, dtype=torch.float64)
    torch.testing.assert_close(entropic_water_filling(GAINS, 1, 1e8), even, atol=1e-7, rtol=0)


@settings(max_examples=40, deadline=None)
@given(many_gains, st.floats(1e-2, 1e2), st.floats(1e-2, 1e2))
def test_all_slopes_agree_at_the_entropic_optimum(gains, power, gamma):
    g = torch.tensor(gains, dtype=torch.float64)
    p = entropic_water_filling(g, power, gamma)
    assert p.sum().item() == pytest.approx(power, rel=1e-12)
    seen = p > 1e-290  # below, a float64 has lost digits
    slope = (g * power / (2 * (1 + g * p)) - gamma * (torch.log(p / power) + 1))[seen]
    size = 1 + gamma * torch.log(p[seen] / power).abs().max() + (g * power).max() / 2
    assert (slope.max() - slope.min()).item() <= 1e-11 * size


def test_a_general_optimiser_finds_nothing_better():
    gamma, power = 0.2, 1.3
    found = entropic_water_filling(GAINS, power, gamma)

    def loss(logits):
        return -objective(GAINS, power * torch.softmax(torch.from_numpy(logits), 0), power, gamma).item()

    peer = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    p = power * torch.softmax(torch.from_numpy(peer.x), 0)
    torch.testing.assert_close(p, found, atol=1e-5, rtol=0)
    assert objective(GAINS, found, power, gamma).item() >= -peer.fun - 1e-12


def test_a_dry_mode_keeps_a_tiny_share():
    """Its share is e^(-difference of slopes / gamma), with nothing lost to rounding."""
    g, gamma = torch.tensor([2, 1e-6], dtype=torch.float64), 1.5e-3
    p = entropic_water_filling(g, 1, gamma)
    assert 0 < p[1] < 1e-90
    assert math.log(p[0] / p[1]) == pytest.approx((1 / 3 - 0.5e-6) / gamma, rel=1e-12)


@pytest.mark.parametrize("gamma", [0, 1e-12, 1e-3, 1])
def test_extreme_gains_neither_overflow_nor_vanish(gamma):
    p = entropic_water_filling(torch.tensor([1e150, 1.0, 1e-150], dtype=torch.float64), 1, gamma)
    assert torch.isfinite(p).all() and p.sum().item() == pytest.approx(1, rel=1e-12)
    assert p[0] >= p[1] >= p[2]
    barren = entropic_water_filling(torch.tensor([1e-20, 1e-21], dtype=torch.float64), 1, gamma)
    assert barren.tolist() == pytest.approx([1, 0] if gamma == 0 else [0.5, 0.5], abs=1e-8)


def test_one_channel_gets_everything():
    for gamma in (0, 0.1, 10):
        assert entropic_water_filling(torch.tensor([3.0]), 2, gamma).tolist() == pytest.approx([2], rel=1e-14)


@pytest.mark.parametrize("g", [[1, 0], [1, -1], [math.nan, 1], [math.inf, 1], [], [[1.0]]])
def test_gains_that_are_none_are_refused(g):
    for gamma in (0, 1):
        with pytest.raises(ValueError, match=r"^g (is|has)"):
            entropic_water_filling(torch.tensor(g), 1, gamma)


@pytest.mark.parametrize("power", [0, -1, math.nan, math.inf])
def test_a_power_that_is_none_is_refused(power):
    with pytest.raises(ValueError, match="power is"):
        water_filling(GAINS, power)


@pytest.mark.parametrize("gamma", [-0.1, math.nan, math.inf])
def test_a_negative_weight_is_refused_with_the_sign_explained(gamma):
    with pytest.raises(ValueError, match="the entropy is rewarded: pass a positive weight"):
        entropic_water_filling(GAINS, 1, gamma)
