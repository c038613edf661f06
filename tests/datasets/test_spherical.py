"""The regenerated task is the field's own, bit for bit, and has the symmetry it is said to have."""

import hashlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from corelib.datasets import band_powers, icosahedral_symmetries, icosahedron, pattern_features, szt_task

pytestmark = pytest.mark.ch03
task = szt_task()
x, y = task.x.numpy().astype(int), task.y.numpy()
place_values = 1 << np.arange(11, -1, -1)


def test_the_labels_are_those_of_the_shared_file():
    digest = hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest()
    assert digest == "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f"


def test_row_r_is_r_in_binary_most_significant_bit_first():
    assert (x @ place_values == np.arange(4096)).all()


def test_label_entropy_and_counts_by_weight():
    assert task.label_entropy_bits == pytest.approx(0.99915712, abs=5e-9)
    weight = x.sum(1)
    assert y.sum() == 2118
    assert [y[weight == k].sum() for k in (5, 6, 7)] == [60, 532, 732]
    assert not y[weight <= 4].any() and y[weight >= 8].all()


def test_the_table_form_of_the_rule_agrees():
    k, a, c = pattern_features(x).T
    threshold = np.select([k <= 4, k == 5, k == 6, k == 7], [999, 12, 12, 15], -999)
    assert (y == (2 * a - c >= threshold)).all()
    assert len(np.unique(pattern_features(x), axis=0)) == 64


def test_the_power_spectrum_threshold_gives_the_same_labels():
    powers = band_powers(x)
    assert np.allclose(powers.sum(1), x.sum(1))
    assert (y == (powers @ [1 / 12, 0.33989, 0.22222, 0.21566] > 0.99421)).all()


@pytest.mark.parametrize("rotations_only, order, orbits", [(False, 120, 82), (True, 60, 96)])
def test_every_symmetry_of_the_icosahedron_keeps_the_labels(rotations_only, order, orbits):
    group = icosahedral_symmetries(rotations_only)
    assert group.shape == (order, 12) and len(np.unique(group, axis=0)) == order
    images = x[:, group] @ place_values  # (4096, order): the pattern seen after each symmetry
    assert (y[images] == y[:, None]).all()
    assert len(np.unique(images.min(1))) == orbits


def test_the_icosahedron_has_thirty_edges_and_six_antipodal_pairs():
    ball = icosahedron()
    assert ball.neighbours.sum() == 60 and ball.second_neighbours.sum() == 60 and ball.antipodes.sum() == 12
    assert [int(j) for j in ball.antipodes.argmax(1)[[0, 1, 2, 3, 4, 8]]] == [9, 7, 5, 6, 10, 11]


def test_neither_counting_lamps_nor_a_linear_rule_solves_the_task():
    weight = x.sum(1)
    assert max(np.mean((weight >= t) == y) for t in range(13)) == 0.875
    assert LogisticRegression(C=1e3).fit(x, y).score(x, y) == pytest.approx(0.875, abs=1e-9)


@pytest.mark.parametrize("bad", [np.zeros((3, 11)), np.full((1, 12), 2), np.full((1, 12), 0.5)])
def test_what_is_not_a_pattern_is_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        pattern_features(bad)
