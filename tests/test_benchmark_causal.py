"""Chapter 4's benchmark on small sizes: its peers compute what we compute; nothing here is timed."""

import pytest
import torch

from benchmarks import causal
from benchmarks.table import row, write

pytestmark = pytest.mark.ch04


def test_networks_trained_at_once_end_where_pyg_modules_end():
    rows = causal.training(n_networks=3, epochs=30, n=120, repeats=1)  # raises where outputs differ
    assert [found["metric"] for found in rows] == ["CPU time"] * 3 + ["ratio to ours"] * 2
    outputs = {name: f for name, (_, f) in causal.train_all(3, 30, 120, torch.float64).items()}
    assert outputs[causal.OURS].shape == (3, 120) and outputs[causal.OURS].std() > 0
    outputs[causal.LOOP] = outputs[causal.LOOP] * 1.001
    with pytest.raises(AssertionError, match="trained by PyG, one by one end elsewhere"):
        causal._require_same_outputs(outputs)


def test_ours_beat_the_best_constant_whether_peers_are_installed_or_not():
    error = {
        found["provider"]: float(found["median"])
        for found in causal.effects(n=800, seeds=(1,))
        if found["metric"] == "error" and "EconML" not in found["provider"] and "CausalML" not in found["provider"]
    }
    assert set(error) == {"best constant", "corelib Graph R-learner", "corelib linear on graph features"}
    assert max(error["corelib Graph R-learner"], error["corelib linear on graph features"]) < error["best constant"] / 2


def test_rows_measured_anew_replace_their_own_and_leave_the_others(tmp_path):
    path = tmp_path / "rows.csv"
    old = [row("op", name, "time", "s", 1.0, x=("nodes", n)) for name, n in (("a", 10), ("a", 20), ("b", 10))]
    write(path, causal.keep(path, old))
    write(path, causal.keep(path, [row("op", "a", "time", "s", 2.0, x=("nodes", 20))]))
    kept = {(found["provider"], found["x_value"]): found["median"] for found in causal.keep(path, [])}
    assert kept == {("a", "10"): "1", ("a", "20"): "2", ("b", "10"): "1"}
