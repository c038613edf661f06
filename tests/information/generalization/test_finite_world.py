"""The finite world: worked examples, identities, scikit-learn and scipy as peers, and the bound against exact tails."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from corelib.information.generalization.finite_world import (
    cell_weight,
    finite_information,
    ib_generalization_bound,
    typical_cells,
    union_bound_over_decoders,
)

pytestmark = pytest.mark.ch01

P_XY = np.array([[0.3, 0.1], [0.1, 0.1], [0.05, 0.35]])
ENCODER = np.array([[1, 0], [0.5, 0.5], [0, 1]])
LOSS = np.array([[0, 1], [1, 0]])
SEEDS = st.integers(0, 2**32 - 1)


def random_world(seed, concentration=0.4):
    """Input and label, encoder; some labels and inputs may have probability zero."""
    rng = np.random.default_rng(seed)
    n_inputs, n_classes, n_symbols = rng.integers(1, 7, size=3)
    p_xy = rng.dirichlet(np.full(n_inputs * n_classes, concentration)).reshape(n_inputs, n_classes)
    p_xy[rng.random(p_xy.shape) < 0.2] = 0
    p_xy.flat[0] += 0.01
    return p_xy / p_xy.sum(), rng.dirichlet(np.full(n_symbols, concentration), n_inputs)


def test_the_worked_example_has_its_information():
    found = finite_information(P_XY, ENCODER)
    assert found.i_xz == pytest.approx(0.554518, abs=1e-6)
    assert found.i_xz_given_y == pytest.approx(0.422012, abs=1e-6)
    assert found.i_yz == pytest.approx(0.132505, abs=1e-6)
    assert found.h_z_given_y == pytest.approx(0.560642, abs=1e-6)
    assert found.h_z_given_xy == pytest.approx(0.2 * math.log(2), abs=1e-12)


def test_the_worked_example_has_its_bound():
    found = ib_generalization_bound(P_XY, ENCODER, LOSS, 1000, 0.05)
    assert (found.weight, found.cells, found.atypical) == (pytest.approx(0.994936, abs=1e-6), 4, 0)
    assert found.value == pytest.approx(0.0658617, abs=1e-7)
    learned = ib_generalization_bound(P_XY, ENCODER, LOSS, 1000, 0.05, log_prior=-math.log(8))
    assert learned.value == pytest.approx(0.0799762, abs=1e-7)


def test_without_the_rare_cells_the_example_pays_their_whole_mass():
    found = ib_generalization_bound(P_XY, ENCODER, LOSS, 1000, 0.05, atypical_mass=0.3)
    assert (found.cells, found.weight) == (2, 0)
    assert found.atypical == pytest.approx(0.25, abs=1e-12)
    assert found.value == pytest.approx(0.25, abs=1e-12)


@given(SEEDS)
@settings(deadline=None, max_examples=100)
def test_information_agrees_with_its_definition_as_a_divergence(seed):
    p_xy, encoder = random_world(seed)
    found = finite_information(p_xy, encoder)
    joint = p_xy[:, :, None] * encoder[:, None, :]

    def divergence(p, q):
        return stats.entropy(p.ravel(), q.ravel()) if p.size > 1 else 0.0

    p_xz, p_yz, p_z = joint.sum(1), joint.sum(0), joint.sum((0, 1))
    p_y = np.where(p_xy.sum(0) > 0, p_xy.sum(0), 1)
    assert found.i_xz == pytest.approx(divergence(p_xz, p_xz.sum(1)[:, None] * p_z), abs=1e-10)
    assert found.i_yz == pytest.approx(divergence(p_yz, p_yz.sum(1)[:, None] * p_z), abs=1e-10)
    given_y = divergence(joint, p_xy[:, :, None] * (p_yz / p_y[:, None])[None])
    assert found.i_xz_given_y == pytest.approx(given_y, abs=1e-10)


@given(SEEDS)
@settings(deadline=None, max_examples=100)
def test_chain_rule_data_processing_and_signs_hold(seed):
    p_xy, encoder = random_world(seed)
    found = finite_information(p_xy, encoder)
    assert found.i_xz == pytest.approx(found.i_yz + found.i_xz_given_y, abs=1e-12)
    assert min(vars(found).values()) >= 0
    assert found.i_yz <= stats.entropy(p_xy.sum(0)) + 1e-12  # the code cannot know more of the label than there is
    again = np.random.default_rng(seed).dirichlet(np.ones(3), encoder.shape[1])
    assert finite_information(p_xy, encoder @ again).i_xz <= found.i_xz + 1e-12
    reorder = np.random.default_rng(seed).permutation(encoder.shape[1])
    assert vars(finite_information(p_xy, encoder[:, reorder])) == pytest.approx(vars(found), abs=1e-12)


def test_a_table_of_counts_agrees_with_scikit_learn():
    counts = np.random.default_rng(0).integers(0, 9, size=(6, 4))
    inputs, labels = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    code_of = np.array([0, 1, 1, 2, 0, 2])
    found = finite_information(counts / counts.sum(), np.eye(3)[code_of])
    assert found.i_yz == pytest.approx(mutual_info_score(code_of[inputs], labels), abs=1e-12)
    assert found.i_xz == pytest.approx(mutual_info_score(inputs, code_of[inputs]), abs=1e-12)


def test_a_constant_code_knows_nothing_and_an_identity_knows_all():
    nothing = finite_information(P_XY, np.ones((3, 1)))
    assert set(vars(nothing).values()) == {0.0}
    everything = finite_information(P_XY, np.eye(3))
    assert everything.i_xz == pytest.approx(stats.entropy(P_XY.sum(1)))
    assert everything.h_z_given_xy == 0


def test_typical_cells_are_the_fewest_that_carry_the_mass():
    q = np.array([[0.5, 0.0], [0.3, 0.2], [0.15, 0.5], [0.05, 0.3]]) / 2
    assert typical_cells(q).tolist() == [[True, False], [True, True], [True, True], [True, True]]
    assert typical_cells(q, 0.05).sum(0).tolist() == [3, 3]  # exactly 0.05 may go
    assert typical_cells(q, 0.049).sum(0).tolist() == [4, 3]
    assert typical_cells(q, 0.3).tolist() == [[True, False], [True, False], [False, True], [False, True]]
    for nearly_all in (0.999, 1 - 1e-12):
        assert typical_cells(q, nearly_all).tolist() == [[True, False], [False, False], [False, True], [False, False]]


def test_equal_codes_are_left_out_from_the_end_whatever_the_rounding():
    """Ten codes of probability 0.1 sum to 0.7 and 0.3 only up to rounding."""
    for share in range(10):
        cells = typical_cells(np.full((10, 1), 0.1), share / 10)
        assert cells[:, 0].tolist() == [z < 10 - share for z in range(10)]


def test_very_rare_codes_count_as_long_as_nothing_may_be_left_out():
    q = np.array([[1 - 1e-18, 0], [1e-18, 0], [1e-300, 0], [0, 0]])
    assert typical_cells(q).tolist() == [[True, False], [True, False], [True, False], [False, False]]
    assert typical_cells(q, 1e-12)[:, 0].tolist() == [True, False, False, False]
    for seed in range(5):
        many = np.random.default_rng(seed).dirichlet(np.full(20_000, 0.5))[:, None]
        assert typical_cells(many).sum() == (many > 0).sum()


@given(SEEDS, st.floats(0, 0.999))
@settings(deadline=None, max_examples=100)
def test_no_smaller_set_would_have_the_mass(seed, atypical_mass):
    p_xy, encoder = random_world(seed)
    q = encoder.T @ p_xy
    cells = typical_cells(q, atypical_mass)
    for column, kept in zip(q.T, cells.T, strict=True):
        needed = (1 - atypical_mass) * column.sum()
        assert column[kept].sum() >= needed - 1e-9 * column.sum()
        if kept.any():
            smaller = np.sort(column)[::-1][: kept.sum() - 1].sum()
            assert smaller < needed + 1e-9 * column.sum()
        else:
            assert column.sum() == 0


@pytest.mark.parametrize("k", range(0, 9, 2))
def test_the_weight_of_a_uniform_code_is_exponential_in_its_bits(k):
    q = np.full((2**k, 2), 0.5 / 2**k)
    assert cell_weight(q, np.ones_like(q), typical_cells(q)) == pytest.approx(2 * 2 ** (k / 2), rel=1e-12)


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_the_weight_of_loss_one_is_a_renyi_entropy_and_below_the_papers_constant(seed):
    p_xy, encoder = random_world(seed)
    q = encoder.T @ p_xy
    p_y = q.sum(0)
    given_y = q[:, p_y > 0] / p_y[p_y > 0]
    renyi = 2 * np.log(np.sqrt(given_y).sum(0))  # order 1/2
    expected = math.sqrt(2) * (np.sqrt(p_y[p_y > 0]) * np.exp(renyi / 2)).sum()
    assert cell_weight(q, np.ones_like(q), typical_cells(q)) == pytest.approx(expected, rel=1e-9)
    loss = np.random.default_rng(seed).random(q.shape)
    papers = (loss[:, p_y > 0] * np.sqrt(2 * (p_y > 0).sum() * given_y)).sum(0).max()
    assert cell_weight(q, loss, typical_cells(q)) <= papers * (1 + 1e-12)


def test_several_decoders_are_bounded_as_each_alone():
    losses = np.random.default_rng(0).random((3, 5, 2, 2))
    together = ib_generalization_bound(P_XY, ENCODER, losses, 50, 0.1, atypical_mass=0.3)
    assert together.value.shape == together.weight.shape == together.atypical.shape == (3, 5)
    for index in np.ndindex(3, 5):
        alone = ib_generalization_bound(P_XY, ENCODER, losses[index], 50, 0.1, atypical_mass=0.3)
        assert alone.value == pytest.approx(together.value[index], rel=1e-12)


def test_the_bound_scales_with_the_loss_and_pays_for_a_prior_as_for_a_smaller_delta():
    plain = ib_generalization_bound(P_XY, ENCODER, LOSS, 100, 0.05)
    assert ib_generalization_bound(P_XY, ENCODER, 3 * LOSS, 100, 0.05).value == pytest.approx(3 * plain.value)
    assert ib_generalization_bound(P_XY, ENCODER, LOSS, 400, 0.05).value == pytest.approx(plain.value / 2)
    paid = ib_generalization_bound(P_XY, ENCODER, LOSS, 100, 0.05, log_prior=-1.5)
    assert paid.value == pytest.approx(ib_generalization_bound(P_XY, ENCODER, LOSS, 100, 0.05 * math.exp(-1.5)).value)


def test_a_single_cell_has_the_chernoff_tail_and_not_much_slack():
    """One code, loss on one of two labels only: the gap is q - N/n with N binomial, its tail known exactly."""
    q, n, delta = 0.05, 2000, 0.01
    bound = ib_generalization_bound([[1 - q, q]], [[1.0]], [[0, 1]], n, delta).value
    assert bound == pytest.approx(math.sqrt(2 * q * math.log(2 / delta) / n), rel=1e-12)

    def failure(gap):  # probability that q - N/n > gap
        return stats.binom.cdf(math.ceil(n * (q - gap)) - 1, n, q)

    assert failure(bound) <= delta / 2  # two cells share delta
    assert failure(bound / 1.6) > delta


def worst_gap_minus_bound(p_xy, encoder, counts, n, delta, atypical_mass):
    """The decoder that beats the bound by most; it may answer each code by itself, since both sides are sums."""
    n_classes = p_xy.shape[1]
    q = encoder.T @ p_xy
    cells = typical_cells(q, atypical_mass)
    rate = math.sqrt(math.log(cells.sum() / delta) / n)
    promised = np.where(cells, np.sqrt(2 * q) * rate, q)
    by_answer = (q - counts / n - promised) @ (1 - np.eye(n_classes))
    return by_answer.max(-1).sum(-1)


@pytest.mark.parametrize("atypical_mass", [0.0, 0.2])
def test_even_the_worst_decoder_for_each_training_set_stays_below(atypical_mass):
    rng, n, delta = np.random.default_rng(3), 60, 0.3
    p_xy = rng.dirichlet(np.full(3, 0.5), 12) / 12
    encoder = rng.dirichlet(np.full(5, 0.3), 12)
    joint = (p_xy[:, :, None] * encoder[:, None, :]).sum(0).T
    counts = rng.multinomial(n, joint.ravel() / joint.sum(), size=2000).reshape(-1, *joint.shape)
    excess = worst_gap_minus_bound(p_xy, encoder, counts, n, delta, atypical_mass)
    assert (excess > 0).mean() <= delta + 3 * math.sqrt(delta * (1 - delta) / 2000)
    # The search is no formality: without the rate, that is for M = 1 and delta near 1, it wins nearly always.
    unpaid = worst_gap_minus_bound(p_xy, encoder, counts, n, 0.999 * typical_cells(joint).sum(), 0.0)
    assert (unpaid > 0).mean() > 0.9


def test_the_plain_union_bound_has_its_closed_form():
    assert union_bound_over_decoders(64, 4, 2000, 0.05) == pytest.approx(0.1514, abs=1e-4)
    assert union_bound_over_decoders(1, 1, 200, math.exp(-4)) == pytest.approx(0.1, rel=1e-12)


WRONG = [
    ({"p_xy": P_XY * 1.001}, "p_xy sums to"),
    ({"p_xy": P_XY - np.array([[0.4, -0.4], [0, 0], [0, 0]])}, "p_xy holds negative"),
    ({"p_xy": np.full((3, 2), np.nan)}, "p_xy holds negative, NaN"),
    ({"p_xy": P_XY.ravel()}, "p_xy has shape"),
    ({"encoder": ENCODER[:2]}, "encoder has shape"),
    ({"encoder": ENCODER * 0.9}, "encoder row 0 sums"),
    ({"encoder": [[1, 0], [1.5, -0.5], [0, 1]]}, "encoder holds negative"),
    ({"loss": [[0, 1, 1], [1, 0, 1]]}, "loss has shape"),
    ({"loss": [[0, -1], [1, 0]]}, "loss holds negative"),
    ({"loss": [[0, np.inf], [1, 0]]}, "loss holds negative, NaN or infinite"),
    ({"loss": [[0, np.nan], [1, 0]]}, "loss holds negative, NaN"),
    ({"n": 0}, "n is 0"),
    ({"delta": 0.0}, "delta is 0"),
    ({"delta": 1.0}, "delta is 1"),
    ({"delta": math.nan}, "delta is nan"),
    ({"atypical_mass": 1.0}, "atypical_mass is 1"),
    ({"atypical_mass": -0.1}, "atypical_mass is -0.1"),
    ({"log_prior": 0.1}, "log_prior is 0.1"),
    ({"log_prior": -math.inf}, "log_prior is -inf"),
    ({"log_prior": math.nan}, "log_prior is nan"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_bad_input_is_named(changed, message):
    good = {"p_xy": P_XY, "encoder": ENCODER, "loss": LOSS, "n": 10, "delta": 0.1}
    with pytest.raises(ValueError, match=message):
        ib_generalization_bound(**(good | changed))


def test_other_bad_input_is_named():
    with pytest.raises(TypeError, match=r"n is 10\.5"):
        ib_generalization_bound(P_XY, ENCODER, LOSS, 10.5, 0.1)
    with pytest.raises(TypeError, match="n_symbols is True"):
        union_bound_over_decoders(True, 2, 10, 0.1)
    with pytest.raises(ValueError, match="n_classes is 0"):
        union_bound_over_decoders(2, 0, 10, 0.1)
    with pytest.raises(ValueError, match="q_zy sums to 40"):
        typical_cells(np.full((10, 4), 1.0))
    with pytest.raises(ValueError, match="cells is int64"):
        cell_weight(P_XY, np.ones((3, 2)), np.ones((3, 2), dtype=np.int64))
    with pytest.raises(ValueError, match="encoder row 1 sums"):
        finite_information(P_XY, [[1, 0], [0.5, 0.4], [0, 1]])
