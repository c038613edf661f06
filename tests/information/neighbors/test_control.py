"""The permutation control: the same estimator, the same margins, no pairing."""

import numpy as np
import pytest

from corelib.information.estimate import from_local
from corelib.information.neighbors.control import with_control
from corelib.information.neighbors.discrete_target import kl_mi_discrete, ross_mi
from corelib.information.neighbors.kozachenko import kl_mi
from corelib.information.neighbors.ksg import ksg_mi

pytestmark = pytest.mark.ch02


def pairs(n=600, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2))
    return x, x + 0.5 * rng.standard_normal((n, 2))


def agreement(x, y):
    return from_local(np.abs(x - y)[:, 0], "by hand")


def test_without_a_control_nothing_is_permuted():
    x, y = pairs()
    assert with_control(agreement, x, y, None, 0).permuted is None


def test_the_control_is_the_estimator_on_a_permutation_and_leaves_the_rest():
    x, y = pairs()
    found = with_control(agreement, x, y, "permute", 5)
    shuffled = y[np.random.default_rng(5).permutation(600)]
    assert found.permuted == agreement(x, shuffled).value != found.value
    assert found.value == agreement(x, y).value
    assert np.array_equal(found.local, agreement(x, y).local)
    assert with_control(agreement, x, y, "permute", 6).permuted != found.permuted


@pytest.mark.parametrize("control", ["shuffle", True, ""])
def test_an_unknown_control_is_named(control):
    with pytest.raises(ValueError, match=r"control is .*; expected one of"):
        with_control(agreement, *pairs(), control, 0)


@pytest.mark.parametrize("estimator, band", [(ksg_mi, 0.06), (kl_mi, 0.3)])
def test_continuous_pairs_lose_their_information(estimator, band):
    x, y = pairs()
    found = estimator(x, y, control="permute", seed=1)
    assert found.permuted == pytest.approx(0, abs=band) and found.value > 1
    assert found.corrected == found.value - found.permuted
    assert estimator(x, y, control="permute", seed=1).permuted == found.permuted
    assert estimator(x, y).value == found.value


@pytest.mark.parametrize("estimator", [ross_mi, kl_mi_discrete])
def test_labels_are_permuted_too(estimator):
    x, _ = pairs()
    labels = (x[:, 0] > 0).astype(int)
    found = estimator(x, labels, control="permute")
    assert found.permuted == pytest.approx(0, abs=0.06) and found.value > 0.4
    assert estimator(x, labels, control="permute", seed=9).permuted != found.permuted


def test_a_negative_control_is_left_negative():
    x, y = pairs(300)
    controls = [ksg_mi(x, y, control="permute", seed=seed).permuted for seed in range(10)]
    assert min(controls) < 0 < max(controls)
