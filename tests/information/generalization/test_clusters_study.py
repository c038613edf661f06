"""The clusters study in miniature: rows, populations, the constraint, model information."""

import math

import numpy as np
import pytest

from corelib.information.generalization import model_information, model_information_mc
from corelib.information.generalization.clusters_study import run_clusters_study

pytestmark = pytest.mark.ch01
SMALL = {"instances": 2, "seeds": 2, "weight_decays": (0.0, 0.1), "steps": 20, "swag_from": 10, "swag_rank": 3}


@pytest.fixture(scope="module")
def study():
    return run_clusters_study((4, 6), **SMALL)


def test_rows_are_the_crossing_of_all_factors(study):
    assert len(study) == 2 * 2 * 2 * 2
    names = ("width", "weight_decay", "seed", "instance")
    rows = {tuple(float(study[name][r]) for name in names) for r in range(len(study))}
    assert len(rows) == 16
    assert all(len(column) == 16 for column in study.columns.values())
    np.testing.assert_allclose(study["error_gap"], study["test_error"] - study["train_error"])


def test_widths_do_not_disturb_each_other(study):
    alone = run_clusters_study((6,), **SMALL)
    own = study["width"] == 6
    for name in ("loss_gap", "mc", "model_information"):
        np.testing.assert_allclose(alone[name], study[name][own], rtol=1e-6)


def test_model_information_belongs_to_the_setting_and_dwarfs_its_ceiling(study):
    first = study["model_information"][:2]
    assert first[0] == first[1] == pytest.approx(model_information(study.posteriors))
    assert first[0] > 100
    assert model_information_mc(study.posteriors, 5) <= math.log(2) + 1e-9


def test_instances_are_populations_of_their_own(study):
    gaps = [study["loss_gap"][study["instance"] == i].mean() for i in (0, 1)]
    assert gaps[0] != gaps[1]


def test_the_constraint_moves_the_multiplier_and_plain_training_does_not(study):
    assert (study["multiplier"] == 0).all()
    held = run_clusters_study((4,), **SMALL, dual_lr=0.01, target_information=0.0)
    assert held["multiplier"].mean() < 0
    eager = run_clusters_study((4,), **SMALL, dual_lr=0.01, target_information=10.0)
    assert (eager["multiplier"] > 0).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"widths is \[5\]"):
        run_clusters_study((5,))
    with pytest.raises(ValueError, match=r"widths is \[\]"):
        run_clusters_study(())
    with pytest.raises(ValueError, match="instances is 1"):
        run_clusters_study((4,), instances=1)
