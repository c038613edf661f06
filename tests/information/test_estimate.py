"""The estimate as a value: units, interval, control, and what it prints."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from corelib.information.estimate import MIEstimate, PlaneEstimate, from_local

pytestmark = pytest.mark.ch02


def estimate(**changes):
    return dataclasses.replace(MIEstimate(1.5, 0.1, 100, "KSG1, k = 3", np.array([1.0, 2.0]), 0.25), **changes)


def test_bits_are_nats_over_ln_2_in_every_field():
    bits = estimate().to("bits")
    assert bits.units == "bits" and bits.n == 100 and bits.settings == "KSG1, k = 3"
    assert [bits.value, bits.stderr, bits.permuted] == pytest.approx([v / math.log(2) for v in (1.5, 0.1, 0.25)])
    assert bits.local == pytest.approx(np.array([1.0, 2.0]) / math.log(2))
    assert bits.corrected == pytest.approx(1.25 / math.log(2))


def test_there_and_back_is_the_same_and_the_same_units_change_nothing():
    back = estimate().to("bits").to("nats")
    assert back.value == pytest.approx(1.5, rel=1e-15) and back.units == "nats"
    assert estimate().to("nats").value == 1.5
    assert estimate().to("bits").to("bits").value == estimate().to("bits").value


def test_absent_fields_stay_absent_in_other_units():
    bits = estimate(local=None, permuted=None).to("bits")
    assert bits.local is None and bits.permuted is None


def test_the_correction_is_the_value_less_its_control():
    assert estimate().corrected == 1.25
    with pytest.raises(ValueError, match="permuted is None; expected an estimate made with control='permute'"):
        _ = estimate(permuted=None).corrected


def test_the_interval_is_normal():
    low, high = estimate().interval()
    assert [low, high] == pytest.approx([1.5 - 0.19599640, 1.5 + 0.19599640], abs=1e-8)
    low, high = estimate().interval(0.6826894921)
    assert [low, high] == pytest.approx([1.4, 1.6], abs=1e-8)
    assert all(math.isnan(end) for end in estimate(stderr=math.nan).interval())


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan])
def test_a_level_is_a_probability(level):
    with pytest.raises(ValueError, match=r"level is .*; expected a number between 0 and 1"):
        estimate().interval(level)


def test_units_and_settings_are_checked():
    with pytest.raises(ValueError, match="units is 'bans'; expected 'nats' or 'bits'"):
        estimate(units="bans")
    with pytest.raises(ValueError, match="units is 'bans'"):
        estimate().to("bans")
    with pytest.raises(ValueError, match="settings is empty"):
        estimate(settings=" ")


def test_an_estimate_does_not_change_under_its_reader():
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate().value = 0.0


def test_it_prints_its_number_with_its_ruler():
    assert str(estimate()) == "1.5000 ± 0.1000 nats (KSG1, k = 3, N = 100; permuted 0.2500)"
    assert str(estimate(stderr=math.nan, permuted=None)) == "1.5000 nats (KSG1, k = 3, N = 100)"
    assert " bits (" in str(estimate().to("bits"))


def test_local_values_make_the_mean_and_its_standard_error():
    found = from_local(np.array([1.0, 2.0, 3.0, 6.0]), "by hand")
    assert found.value == 3.0 and found.n == 4 and found.permuted is None
    assert found.stderr == pytest.approx(math.sqrt(14 / 3 / 4))
    assert found.local.tolist() == [1, 2, 3, 6]
    assert math.isnan(from_local(np.array([1.0]), "by hand").stderr)


def test_a_negative_value_is_not_clipped():
    assert from_local(np.array([-1.0, -2.0]), "by hand").value == -1.5


def test_a_point_of_a_plane_is_read_in_bits_too():
    point = PlaneEstimate(torch.tensor([math.log(2)]), torch.tensor([math.log(4)]), "by hand")
    assert [point.ixt_bits.item(), point.iyt_bits.item()] == pytest.approx([1, 2])
    assert point.ixt_stderr is None and point.ixt_permuted is None
