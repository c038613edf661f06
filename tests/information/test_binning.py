"""Adaptive and fixed bins: closed forms, what they are invariant to, and the bugs of released code as tests."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from corelib.information.binning import (
    binned_information,
    coded_information,
    digitize,
    digitize_width,
    ebab_edges,
    fixed_edges,
)
from corelib.information.discrete import entropy, row_codes

pytestmark = pytest.mark.ch03
LN2 = math.log(2)


def layer(n=200, d=4, rows=1, seed=0, zeros=0.0):
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(rows, n, d, generator=generator, dtype=torch.float64)
    return torch.where(torch.rand(h.shape, generator=generator) < zeros, 0.0, h.abs() if zeros else h)


def bits(h, edges):
    return binned_information(h, torch.arange(h.shape[1]) % 2, edges).ixt_bits


def test_three_thousand_distinct_values_in_thirty_bins():
    h = torch.arange(1.0, 3001.0, dtype=torch.float64).view(1, -1, 1)
    edges = ebab_edges(h, 30, floor=0.0)
    counts = torch.bincount(digitize(h, edges).flatten(), minlength=32)
    assert counts.tolist() == [0] + [100] * 29 + [99, 1]
    assert bits(h, edges).item() == pytest.approx(4.909584, abs=1e-6)


def test_zeros_get_a_bin_of_their_own():
    h = torch.cat([torch.zeros(1000), torch.arange(1.0, 1001.0)]).double().view(1, -1, 1)
    assert bits(h, ebab_edges(h, 10, floor=0.0)).item() == pytest.approx(2.665004, abs=1e-6)


def test_edges_use_integer_arithmetic():
    # int(27 * (130 / 30)) is 116, one too low; 27 * 130 // 30 is 117.
    h = torch.arange(130.0, dtype=torch.float64).view(1, -1, 1)
    assert int(27 * (130 / 30)) == 116
    assert ebab_edges(h, 30)[0, 27] == 117


@given(st.integers(1, 70), st.integers(1, 40))
def test_edges_are_the_definition_whatever_the_counts(n_distinct, n_bins):
    values = torch.arange(n_distinct, dtype=torch.float64) * 1.5 - 3
    h = values.repeat_interleave(2)[torch.randperm(2 * n_distinct)].view(1, -1, 1)
    expected = [values[k * n_distinct // n_bins].item() for k in range(n_bins)] + [values[-1].item()]
    assert ebab_edges(h, n_bins)[0].tolist() == expected


def test_quantiles_with_ties_are_another_ruler():
    h = layer(1024, 4, zeros=0.52)
    quantiles = ebab_edges(h, 30, floor=0.0, mode="mass")
    assert len(quantiles.unique()) == len(ebab_edges(h, 30, floor=0.0).unique())  # the floor is left out of both
    with_ties = ebab_edges(h, 30, mode="mass")
    assert len(with_ties.unique()) < 18 < len(ebab_edges(h, 30).unique())
    assert bits(h, with_ties) < bits(h, ebab_edges(h, 30, floor=0.0))


@pytest.mark.parametrize("increasing", [torch.tanh, torch.exp, lambda z: z**3, lambda z: 1e6 * z])
def test_the_ruler_is_blind_to_increasing_maps_of_the_layer(increasing):
    h = layer()
    assert torch.equal(digitize(h, ebab_edges(h)), digitize(increasing(h), ebab_edges(increasing(h))))


@given(st.integers(0, 99), st.sampled_from([0.0, 0.5]))
def test_order_of_samples_and_units_does_not_matter(seed, zeros):
    h = layer(60, 3, seed=seed, zeros=zeros)
    shuffled = h[:, torch.randperm(60)][:, :, torch.randperm(3)]
    assert torch.equal(ebab_edges(h, 7), ebab_edges(shuffled, 7))
    assert bits(h, ebab_edges(h, 7)).item() == pytest.approx(bits(shuffled, ebab_edges(shuffled, 7)).item(), abs=1e-12)


@given(st.integers(0, 99), st.integers(1, 20), st.sampled_from([0.0, 0.5]))
def test_twice_as_many_bins_refine_the_code(seed, n_bins, zeros):
    h = layer(80, 2, seed=seed, zeros=zeros)
    assert bits(h, ebab_edges(h, n_bins)) <= bits(h, ebab_edges(h, 2 * n_bins)) + 1e-12


@given(st.integers(0, 99))
def test_information_stays_within_its_bounds_and_agrees_with_scikit_learn(seed):
    h = layer(90, 3, seed=seed)
    y = torch.arange(90) % 3
    bins = digitize(h, ebab_edges(h, 4))
    found = binned_information(h, y, ebab_edges(h, 4))
    assert 0 <= found.iyt.item() <= entropy(y[None]).item() + 1e-12
    assert found.ixt.item() <= min(math.log(90), sum(entropy(bins[..., u]).item() for u in range(3))) + 1e-12
    peer = mutual_info_score(row_codes(bins)[0].numpy(), y.numpy())
    assert found.iyt.item() == pytest.approx(peer, abs=1e-12)


@pytest.mark.parametrize("floor", [None, 0.0])
def test_a_batch_equals_its_rows_one_by_one_bit_for_bit(floor):
    h, y = layer(101, 3, rows=5, zeros=0.4), torch.arange(101) % 4
    h[2] = 0.0  # a dead layer between live ones
    h[3, :, :] = h[3, :1, :1]
    edges = ebab_edges(h, 13, floor=floor)
    whole = binned_information(h, y, edges)
    for r in range(5):
        assert torch.equal(edges[r : r + 1], ebab_edges(h[r : r + 1], 13, floor=floor))
        alone = binned_information(h[r : r + 1], y, edges[r])
        assert torch.equal(whole.ixt[r : r + 1], alone.ixt) and torch.equal(whole.iyt[r : r + 1], alone.iyt)
    assert whole.ixt[2] == 0 and whole.ixt[3] == 0 and whole.iyt[2] == 0


@pytest.mark.parametrize("floor", [None, 0.0])
def test_one_sample_and_constant_layers_hold_nothing(floor):
    for h in (torch.ones(1, 1, 3), torch.zeros(1, 9, 2), torch.full((1, 9, 2), 1e30)):
        assert bits(h, ebab_edges(h, 30, floor=floor)).item() == 0


def test_float32_and_float64_give_the_same_bins():
    h = layer(300, 3).float()
    assert torch.equal(digitize(h, ebab_edges(h)), digitize(h.double(), ebab_edges(h.double())))
    assert torch.equal(digitize(h, ebab_edges(h)), digitize(h, ebab_edges(h).double()))


def test_enough_fixed_bins_reach_the_ceiling_of_log_n():
    h = layer(256, 5)
    assert bits(h, fixed_edges(-10, 10, 4000)).item() == pytest.approx(8.0, abs=1e-12)


def test_fixed_edges_are_those_of_the_released_code():
    assert np.allclose(fixed_edges(-1, 1, 30), np.linspace(-1, 1, 30), atol=1e-15)
    h = torch.tensor([-1.0, 0.0, 0.999, 1.0]).view(1, 4, 1)
    assert digitize(h, fixed_edges(-1, 1, 3)).flatten().tolist() == [0, 1, 1, 2]


def test_width_bins_count_from_zero_and_may_be_negative():
    h = torch.tensor([-0.01, 0.0, 0.06, 0.071]).view(1, 4, 1)
    assert digitize_width(h, 0.07).flatten().tolist() == [-1, 0, 0, 1]
    assert coded_information(digitize_width(h, 0.07), torch.tensor([0, 0, 1, 1])).ixt_bits.item() == pytest.approx(1.5)


def test_a_value_under_the_floor_does_not_wrap_to_the_top_bin():
    h = torch.tensor([-5.0, 1.0]).view(1, 2, 1)
    assert np.digitize(-5.0, [0, 1, 2, 3]) - 1 == -1  # as an index: the last bin
    with pytest.raises(ValueError, match=r"-5, below the first edge 0"):
        digitize(h, torch.arange(4.0))
    with pytest.raises(ValueError, match=r"-5, below floor = 0"):
        ebab_edges(h, floor=0.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_refused(bad):
    h = torch.ones(1, 4, 2)
    h[0, 1, 1] = bad
    for call in (ebab_edges, lambda h: digitize(h, torch.zeros(1)), lambda h: digitize_width(h, 0.1)):
        with pytest.raises(ValueError, match="h holds 1 NaN or infinite values"):
            call(h)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda h: ebab_edges(h, 0), "n_bins is 0; expected an integer >= 1"),
        (lambda h: ebab_edges(h, 2.5), "n_bins is 2.5"),
        (lambda h: ebab_edges(h, mode="equal"), "mode is 'equal'"),
        (lambda h: ebab_edges(h[0]), r"h has shape \(4, 2\)"),
        (lambda h: fixed_edges(1, 1), "expected finite numbers with low < high"),
        (lambda h: digitize_width(h, 0), "width is 0"),
        (lambda h: digitize(h, torch.zeros(3, 2)), r"edges has shape \(3, 2\)"),
        (
            lambda h: binned_information(h, torch.zeros(5, dtype=torch.int64), torch.zeros(1)),
            r"labels has shape \(5,\)",
        ),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call(torch.ones(1, 4, 2))
