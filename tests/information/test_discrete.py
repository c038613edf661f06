"""Closed forms, invariants and a peer for corelib.information.discrete."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from corelib.information.discrete import entropy, information_pair, mutual_information, row_codes

pytestmark = pytest.mark.ch03
code_rows = st.lists(st.integers(-3, 3), min_size=1, max_size=40).map(lambda c: torch.tensor([c]))


@pytest.mark.parametrize(
    "row, nats", [([7, 7, 7], 0.0), ([4], 0.0), ([0, 1], math.log(2)), ([5, -1, 5, 2], 1.5 * math.log(2))]
)
def test_entropy_has_its_closed_form(row, nats):
    assert entropy(torch.tensor([row])).item() == pytest.approx(nats, abs=1e-12)


@given(code_rows)
def test_entropy_sees_only_the_partition(row):
    assert entropy(row * 10**12 - 17).item() == pytest.approx(entropy(row.flip(1)).item(), abs=1e-12)


@given(code_rows, st.randoms())
def test_information_agrees_with_scikit_learn(row, random):
    labels = torch.tensor([random.randrange(3) * 7 - 2 for _ in range(row.shape[1])])
    peer = mutual_info_score(row[0].numpy(), labels.numpy())
    h, information = information_pair(row, labels)
    assert information.item() == pytest.approx(peer, abs=1e-12)
    assert h.item() == pytest.approx(entropy(row).item(), abs=1e-12)


def test_three_classes_are_not_packed_into_one_bit():
    codes, labels = torch.tensor([[0, 0, 0, 1, 1, 1]]), torch.tensor([0, 1, 2, 0, 1, 2])
    assert mutual_information(codes, labels).item() == 0.0
    assert mutual_information(labels[None], labels).item() == pytest.approx(math.log(3), abs=1e-12)


def test_huge_codes_do_not_overflow_when_the_label_is_added():
    codes = torch.tensor([[2**62, 2**62 - 1, -(2**62), 2**62]])
    labels = torch.tensor([0, 1, 2, 0])
    assert mutual_information(codes, labels).item() == pytest.approx(1.5 * math.log(2), abs=1e-12)


@pytest.mark.parametrize(
    "shape, alphabet", [((2, 50, 64), 31), ((3, 40, 1), 2), ((1, 30, 5), 2**40), ((1, 25, 3), 2**62)]
)
def test_row_codes_are_exact_for_any_width_and_alphabet(shape, alphabet):
    rng = np.random.default_rng(0)
    symbols = rng.integers(-alphabet // 2, alphabet // 2, shape)
    symbols[:, 1::2] = symbols[:, : shape[1] // 2 * 2 : 2]  # every second row repeats the one before
    codes = row_codes(torch.from_numpy(symbols))
    for row, code in zip(symbols, codes.numpy(), strict=True):
        _, inverse = np.unique(row, axis=0, return_inverse=True)
        assert len(np.unique(code)) == inverse.max() + 1
        assert len(np.unique(np.stack([code, inverse.ravel()]), axis=1).T) == inverse.max() + 1


def test_what_is_not_a_code_is_refused_by_name():
    with pytest.raises(TypeError, match=r"codes has dtype torch.float32"):
        entropy(torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"codes has shape \(1, 0\)"):
        entropy(torch.zeros(1, 0, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"labels has shape \(3,\); expected \(4,\)"):
        mutual_information(torch.zeros(1, 4, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))
