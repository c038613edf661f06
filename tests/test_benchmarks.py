"""The benchmark's peers compute what we compute, on small sizes; nothing here is timed."""

import math

import numpy as np
import pytest
import torch

from benchmarks import ensembles, grading, mutual_information
from benchmarks import information_plane as benchmark
from corelib.information import binned_information, ebab_edges, kde_information

pytestmark = pytest.mark.ch03


@pytest.mark.parametrize("loop", [True, False])
def test_the_released_code_path_gives_the_same_plane(loop):
    h = torch.randn(1, 60, 3, generator=torch.Generator().manual_seed(0)).relu()
    y = torch.arange(60) % 3
    ours = binned_information(h, y, ebab_edges(h, 7, floor=0.0))
    peer = benchmark.released_plane(h[0].numpy(), np.arange(60), y.numpy(), 7, 0.0, loop)
    assert peer == pytest.approx((ours.ixt_bits.item(), ours.iyt_bits.item()), abs=1e-12)


def test_the_kde_peers_give_the_same_bound():
    h = torch.randn(1, 200, 4, generator=torch.Generator().manual_seed(0))
    ours = kde_information(h, torch.arange(200) % 2, 0.1).ixt_upper.item() / math.log(2)
    assert benchmark.dense_kde(h[0].numpy(), 0.1) == pytest.approx(ours, abs=1e-5)
    assert benchmark.sklearn_kde(h[0].numpy(), 0.1) == pytest.approx(ours, abs=1e-5)


def test_rows_say_whether_a_target_was_met():
    times = {"ours": [1.0, 1.0], "fast peer": [3.0, 3.0], "slow": [9.0]}
    rows = benchmark.rows_of("op", times, {"fast peer": 5.0, "slow": 5.0})
    found = {row["provider"]: row["config"] for row in rows if row["metric"] == "ratio to ours"}
    assert found == {"fast peer": "target 5x: missed", "slow": "target 5x: met"}


def test_submissions_to_be_timed_are_of_every_kind(tmp_path):
    made = grading.make_submissions(tmp_path, 6, seed=1)
    assert set(made.values()) == {"right", "wrong", "untouched", "hostile", "broken"}
    for learner, kind in made.items():
        texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / learner).glob("*.ipynb")}
        solved = [name for name, text in texts.items() if text == (grading._chapter("solutions") / name).read_text()]
        assert len(texts) >= 6 and (len(solved) == len(texts)) == (kind == "right")


@pytest.mark.ch02
def test_every_installed_peer_agrees_on_mutual_information():
    rows = mutual_information.speed((400,), (1,))
    error = {row["provider"]: float(row["median"]) for row in rows if row["metric"] == "error"}
    assert {"corelib KSG1", "scikit-learn"} <= set(error)
    assert all(abs(value - error["corelib KSG1"]) < 0.1 for value in error.values())
    ratio = [row for row in rows if row["metric"] == "ratio"]
    assert len(ratio) == 1 and ratio[0]["config"].startswith("target 1x: ")


@pytest.mark.ch02
def test_the_accuracy_table_keeps_the_families_where_we_are_weak():
    rows = mutual_information.accuracy(300)
    assert {f"error, {family}" for family in mutual_information.FAMILIES} <= {row["metric"] for row in rows}
    assert any(row["metric"] == "error, swiss roll (2 + 1)" for row in rows)
    assert sum(row["config"].startswith("target <= ") for row in rows) == 3


@pytest.mark.ch01
def test_encoders_trained_at_once_end_where_plain_modules_end():
    rows = ensembles.training(width=6, n_models=4, steps=30, repeats=1)  # raises where weights differ
    assert [row["metric"] for row in rows] == ["CPU time", "CPU time", "ratio to ours"]
    _, nets_x, nets_y, decay = ensembles.clusters_grid(6, 4)
    assert nets_x.shape == (4, 50, 2) and nets_y.shape == (4, 50) and decay.tolist() == [0.0] * 4
    untrained, *_ = ensembles.clusters_grid(6, 4)
    trained = [ensembles.train_alone(untrained, m, nets_x[m], nets_y[m], 0.0, 30, 20) for m in range(4)]
    with pytest.raises(AssertionError, match="model 0 ends at other weights"):
        ensembles._require_same_weights(untrained, trained)


@pytest.mark.ch01
def test_channels_are_measured_by_every_installed_estimator():
    rows = ensembles.channels(n=300, repeats=3)
    error = {(row["op"][:7], row["provider"]): float(row["median"]) for row in rows if row["metric"] == "error"}
    assert {provider for _, provider in error} >= {
        "corelib mc, knows p(z|x)",
        "corelib loo, knows p(z|x)",
        "corelib KSG1",
    }
    assert all(abs(value) < 0.2 for (op, _), value in error.items() if op == "MI 1-D,")
    # In 16 dimensions neighbours lose sight of the 8.8 nats; of those who know the channel, one stops at ln N.
    sharp = {row["provider"]: float(row["median"]) for row in rows if row["metric"] == "error" and "8.789" in row["op"]}
    assert sharp["corelib KSG1"] < sharp["corelib mc, knows p(z|x)"] < 0 < sharp["corelib loo, knows p(z|x)"]
