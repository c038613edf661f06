"""Counts, norms and margins: by hand, against torch.linalg, and under changes that leave the network the same."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from corelib.information.generalization.complexity import (
    frobenius_sum,
    information_rate,
    inverse_margin,
    log_frobenius_product,
    log_spectral_product,
    margin_quantile,
    one_over_sqrt_n,
    parameter_count,
    path_norm,
    squared_frobenius,
    vc_proxy,
)

pytestmark = pytest.mark.ch01
NORMS = (frobenius_sum, squared_frobenius, log_frobenius_product, log_spectral_product, path_norm)


def network(seed=0, models=3, sizes=(4, 6, 5, 2)):
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(models, b, a, generator=generator, dtype=torch.float64) for a, b in pairwise(sizes)]
    return weights, [torch.randn(models, w.shape[1], generator=generator, dtype=torch.float64) for w in weights]


def test_by_hand_for_two_layers():
    weights = [torch.tensor([[[3.0, 0.0], [0.0, 4.0]]]), torch.tensor([[[1.0, 2.0]]])]
    biases = [torch.zeros(1, 2), torch.zeros(1, 1)]
    assert parameter_count(weights, biases).tolist() == [9]
    assert vc_proxy(weights, biases).item() == pytest.approx(9 * math.log2(9))
    assert squared_frobenius(weights).tolist() == [30]
    assert frobenius_sum(weights).item() == pytest.approx(5 + 5**0.5)
    assert log_frobenius_product(weights).item() == pytest.approx(math.log(5 * 5**0.5))
    assert log_spectral_product(weights).item() == pytest.approx(math.log(4 * 5**0.5))
    # Two paths: input 1 through unit 1 (3 * 1), input 2 through unit 2 (4 * 2).
    assert path_norm(weights).item() == pytest.approx((9 + 64) ** 0.5)


def test_norms_agree_with_torch_model_by_model():
    weights, _ = network()
    for e in range(3):
        own = [w[e] for w in weights]
        assert squared_frobenius(weights)[e].item() == pytest.approx(sum(float(w.norm() ** 2) for w in own))
        assert frobenius_sum(weights)[e].item() == pytest.approx(sum(float(w.norm()) for w in own))
        spectral = math.prod(float(torch.linalg.svdvals(w)[0]) for w in own)
        assert log_spectral_product(weights)[e].item() == pytest.approx(math.log(spectral))
        product = math.prod(float(w.norm()) for w in own)
        assert log_frobenius_product(weights)[e].item() == pytest.approx(math.log(product))


def test_path_norm_is_the_sum_over_paths():
    (first, second, third), _ = network(1, models=1)
    paths = torch.einsum("ba,cb,dc->abcd", first[0], second[0], third[0])
    assert path_norm([first, second, third]).item() == pytest.approx(float(paths.norm()))


def test_rescaling_a_relu_unit_moves_frobenius_norms_and_not_the_path_norm():
    weights, _ = network(2)
    scaled = [weights[0] * 10, weights[1] / 10, weights[2]]
    torch.testing.assert_close(path_norm(scaled), path_norm(weights))
    torch.testing.assert_close(log_spectral_product(scaled), log_spectral_product(weights))
    assert (squared_frobenius(scaled) > 10 * squared_frobenius(weights)).all()
    assert (frobenius_sum(scaled) > 3 * frobenius_sum(weights)).all()


def test_dead_units_raise_the_count_and_nothing_else():
    weights, biases = network(3)
    wider = [
        torch.cat([weights[0], torch.zeros(3, 7, 4)], 1),
        torch.cat([weights[1], torch.zeros(3, 5, 7)], 2),
        weights[2],
    ]
    wider_biases = [torch.cat([biases[0], torch.zeros(3, 7)], 1), biases[1], biases[2]]
    assert (parameter_count(wider, wider_biases) - parameter_count(weights, biases)).tolist() == [7 * (4 + 1 + 5)] * 3
    for norm in NORMS:
        torch.testing.assert_close(norm(wider), norm(weights))


def test_a_layer_of_zeros_and_huge_weights():
    zero = [torch.zeros(1, 2, 2), torch.ones(1, 1, 2)]
    assert path_norm(zero).item() == 0
    assert log_spectral_product(zero).item() == -math.inf
    huge = [torch.full((1, 2, 2), 1e30), torch.full((1, 1, 2), 1e30)]
    assert all(math.isfinite(norm(huge).item()) for norm in NORMS)


def test_margins_by_hand_and_signed():
    logits = torch.tensor([[[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 1.0, 5.0]]])
    labels = torch.tensor([0, 1, 0])
    assert margin_quantile(logits, labels, 0.0).item() == -4
    assert margin_quantile(logits, labels, 0.5).item() == 1
    assert margin_quantile(logits, labels, 1.0).item() == 2
    both = torch.cat([logits, logits + 7])
    assert margin_quantile(both, labels.expand(2, 3), 0.5).tolist() == [1, 1]


def test_margins_of_one_labelling_a_model_are_those_of_each_model_alone():
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(3, 21, 5, generator=generator)
    labels = torch.randint(5, (3, 21), generator=generator)
    together = margin_quantile(logits, labels, 0.3)
    alone = [margin_quantile(logits[e : e + 1], labels[e], 0.3).item() for e in range(3)]
    assert together.tolist() == alone and len(set(alone)) == 3
    expected = []
    for scores, label in zip(logits[0].double(), labels[0], strict=True):
        expected.append(float(scores[label] - max(s for c, s in enumerate(scores) if c != label)))
    assert alone[0] == pytest.approx(np.quantile(expected, 0.3))


def test_tied_scores_have_margin_zero_and_an_offset_changes_nothing():
    logits = torch.tensor([[[2.0, 2.0, 0.0]]], dtype=torch.float64)
    assert margin_quantile(logits, torch.tensor([0])).item() == 0
    assert margin_quantile(logits + 1e12, torch.tensor([2])).item() == -2


def test_inverse_margin_refuses_what_has_no_inverse_order():
    assert inverse_margin(torch.tensor([0.5, 4.0])).tolist() == [2, 0.25]
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="expected finite numbers > 0"):
            inverse_margin(torch.tensor([1.0, bad]))


def test_no_information_leaves_one_over_sqrt_n():
    np.testing.assert_allclose(one_over_sqrt_n(np.array([1, 25, 100])), [1, 0.2, 0.1])
    assert one_over_sqrt_n(4) == 0.5
    with pytest.raises(ValueError, match="n has"):
        one_over_sqrt_n(0)


def test_rate():
    np.testing.assert_allclose(information_rate([0.0, 3.0], 4), [0.5, 1.0])
    np.testing.assert_allclose(information_rate(np.zeros(2), np.array([1, 100])), [1, 0.1])
    with pytest.raises(ValueError, match=r"smallest value of -2\.0"):
        information_rate([-2.0], 5)
    with pytest.raises(ValueError, match="information has"):
        information_rate([math.nan], 5)
    with pytest.raises(ValueError, match="n has"):
        information_rate([1.0], 0)


def test_bad_weights_are_refused():
    weights, biases = network()
    with pytest.raises(ValueError, match="weights is empty"):
        path_norm([])
    with pytest.raises(ValueError, match="same E"):
        squared_frobenius([weights[0], weights[1][:2]])
    with pytest.raises(ValueError, match="weights have shapes"):
        squared_frobenius([weights[0][0]])
    with pytest.raises(ValueError, match="layer 1 hold NaN"):
        log_spectral_product([weights[0], weights[1] * math.nan])
    with pytest.raises(ValueError, match="the next takes 5; expected equal"):
        path_norm([weights[0], weights[2]])
    with pytest.raises(ValueError, match="biases have shapes"):
        parameter_count(weights, biases[:-1])


def test_bad_margins_are_refused():
    logits, labels = torch.zeros(1, 2, 3), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="logits has shape"):
        margin_quantile(logits[0], labels)
    with pytest.raises(TypeError, match="labels have dtype"):
        margin_quantile(logits, labels.float())
    with pytest.raises(ValueError, match="labels have shape"):
        margin_quantile(logits, labels[:1])
    with pytest.raises(ValueError, match=r"labels lie in 0 \.\. 3"):
        margin_quantile(logits, torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="q is 2"):
        margin_quantile(logits, labels, 2)
    with pytest.raises(ValueError, match="logits holds NaN"):
        margin_quantile(logits * math.nan, labels)
