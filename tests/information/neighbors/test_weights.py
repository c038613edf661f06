"""The weights against their table and their constraints; what cannot be met is refused."""

import numpy as np
import pytest
from scipy.special import gammaln

from corelib.information.neighbors.weights import kl_weights

pytestmark = pytest.mark.ch02


def constraint(weights, d, order):
    """sum_j w_j Γ(j + 2 order / d) / Γ(j), and the sum of its terms' absolute values."""
    j = np.arange(1, len(weights) + 1)
    terms = weights * np.exp(gammaln(j + 2 * order / d) - gammaln(j))
    return terms.sum(), np.abs(terms).sum()


def test_the_weights_of_three_and_five_neighbours_in_four_dimensions():
    assert kl_weights(3, 4) == pytest.approx(np.array([153, 13, -92]) / 74, abs=1e-9)
    wanted = [1.2980708879, 0.6157744139, 0.1040520583, -0.3223832380, -0.6955141222]
    assert kl_weights(5, 4) == pytest.approx(wanted, abs=1e-9)


def test_the_weights_of_five_neighbours_in_eight_dimensions():
    assert kl_weights(5, 8) == pytest.approx([9.8541, -7.6691, -7.2300, -1.2050, 7.2500], abs=1e-3)


NORMS = {
    4: [1.63, 1.05, 0.70, 0.43, 0.21],
    8: [16.2, 7.74, 4.43, 2.42, 1.10],
    12: [359, 105, 45.8, 19.7, 7.31],
    16: [17202, 2357, 737, 239, 66],
}


@pytest.mark.parametrize("d", NORMS)
def test_the_table_of_norms(d):
    found = [np.linalg.norm(kl_weights(k, d)) for k in (5, 10, 20, 50, 200)]
    assert found == pytest.approx(NORMS[d], rel=0.02)  # the table has two or three digits


def test_two_norms_with_more_digits():
    assert np.linalg.norm(kl_weights(20, 4)) == pytest.approx(0.704524, abs=1e-6)
    assert np.linalg.norm(kl_weights(20, 8)) == pytest.approx(4.426670, abs=1e-6)


@pytest.mark.parametrize("support", ["dense", "sparse"])
@pytest.mark.parametrize("d", [*range(1, 17), 20, 24, 28, 40, 100])
def test_weights_meet_their_constraints_or_are_refused(d, support):
    made = 0
    for k in (1, 2, 3, 5, 10, 20, 50, 200):
        try:
            weights = kl_weights(k, d, support=support)
        except ValueError as error:
            assert f"k is {k}" in str(error)
            continue
        made += 1
        assert weights.sum() == pytest.approx(1, abs=1e-10)
        for order in range(1, d // 4 + 1):
            total, size = constraint(weights, d, order)
            assert abs(total) <= 1e-8 * max(1, size)
    assert made >= (5 if d <= 16 else 0)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_below_four_dimensions_all_weight_is_on_the_last_neighbour(d):
    assert kl_weights(5, d).tolist() == [0, 0, 0, 0, 1]
    assert kl_weights(5, d, support="sparse").tolist() == [0, 0, 0, 0, 1]


def test_four_dimensions_have_their_constraint():
    """The paper's code puts all weight on the first neighbour here."""
    total, _ = constraint(kl_weights(5, 4), 4, 1)
    assert total == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="k is 1, which gives 1 neighbours"):
        kl_weights(1, 4)


def test_the_weights_are_those_of_least_norm():
    """Any other solution differs by something the constraints do not see, and is longer."""
    weights = kl_weights(6, 8)
    j = np.arange(1, 7)
    rows = np.stack([np.exp(gammaln(j + order / 4) - gammaln(j)) for order in range(3)])
    unseen = np.linalg.svd(rows)[2][3:]
    assert unseen @ weights == pytest.approx(np.zeros(3), abs=1e-10)
    other = weights + 0.1 * unseen[0]
    assert rows @ other == pytest.approx(rows @ weights, abs=1e-9)
    assert np.linalg.norm(other) > np.linalg.norm(weights)


def test_the_sparse_support_uses_the_neighbours_of_the_theory_only():
    found = kl_weights(20, 8, support="sparse")
    assert (np.flatnonzero(found) + 1).tolist() == [2, 5, 7, 10, 12, 15, 17, 20]
    assert np.linalg.norm(found) > np.linalg.norm(kl_weights(20, 8))


def test_more_neighbours_than_dimensions_are_not_needed_for_the_sparse_support():
    found = kl_weights(3, 5, support="sparse")
    assert (np.flatnonzero(found) + 1).tolist() == [1, 2, 3]


def test_fewer_constraints_make_shorter_weights():
    all_of_them, one, none = (kl_weights(20, 16, max_constraints=limit) for limit in (None, 1, 0))
    assert np.linalg.norm(all_of_them) > 700 > 3 > np.linalg.norm(one)
    assert constraint(one, 16, 1)[0] == pytest.approx(0, abs=1e-12)
    assert abs(constraint(one, 16, 2)[0]) > 1e-3
    assert none.tolist() == [0] * 19 + [1]
    assert np.array_equal(kl_weights(20, 16, max_constraints=9), all_of_them)


@pytest.mark.parametrize("k, d", [(5, 20), (5, 40), (20, 40), (50, 100)])
def test_systems_that_least_squares_would_answer_with_another_sum_are_refused(k, d):
    """Solved all the same, they give weights of sum 0.990 at (5, 20) and 0.757 at (5, 40)."""
    with pytest.raises(ValueError, match=f"k is {k}.*max_constraints"):
        kl_weights(k, d)
    assert kl_weights(k, d, max_constraints=2).sum() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"k": 0}, "k is 0; expected an integer >= 1"),
        ({"k": 2.0}, "k is 2.0"),
        ({"k": True}, "k is True"),
        ({"d": 0}, "d is 0; expected an integer >= 1"),
        ({"d": 4.5}, "d is 4.5"),
        ({"support": "thin"}, "support is 'thin'; expected 'dense' or 'sparse'"),
        ({"max_constraints": -1}, "max_constraints is -1; expected an integer >= 0"),
        ({"max_constraints": 1.5}, "max_constraints is 1.5"),
        ({"max_constraints": True}, "max_constraints is True"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        kl_weights(**{"k": 5, "d": 8} | arguments)
