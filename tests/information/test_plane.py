"""Planes, their recorder, the estimators behind one interface, and whole studies."""

import json
import math

import matplotlib
import numpy as np
import pytest
import torch

from corelib.datasets import digits, szt_task
from corelib.information import (
    AdaptiveBins,
    FixedBins,
    InformationPlane,
    KernelDensity,
    PlaneRecorder,
    WidthBins,
    binned_information,
    ebab_edges,
    kde_information,
    plots,
    ruler_plots,
)
from corelib.information.study import StudySettings, run_studies, run_study
from corelib.training import MLPEnsemble

matplotlib.use("Agg")
pytestmark = pytest.mark.ch03
task = szt_task()
RULERS = {
    "EBAB": AdaptiveBins(7, floor=-9.0),
    "fixed": FixedBins(-9, 9, 20),
    "width": WidthBins(0.5),
    "KDE": KernelDensity(0.1, "fixed", "lower"),
}


def activity(rows=2, n=64, widths=(3, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, n, d, generator=generator).clamp(-8, 8) for d in widths]


def recorded(epochs=(0, 1, 5)):
    recorder = PlaneRecorder(torch.arange(64) % 2, RULERS, layers=["a", "b"], meta={"seed": 0})
    for epoch in epochs:
        recorder(epoch, activity(seed=epoch))
    return recorder


@pytest.mark.parametrize("name", RULERS)
def test_the_recorder_stores_what_the_estimator_says(name):
    plane = recorded().plane(name)
    assert plane.ixt.shape == plane.iyt.shape == (3, 2, 2)
    direct = RULERS[name].estimate(activity(seed=5)[1], torch.arange(64) % 2)
    assert plane.ixt[2, :, 1] == pytest.approx(direct.ixt.numpy(), abs=0)
    assert plane.estimator == str(RULERS[name]) == direct.settings
    assert (plane.ixt_bits <= 6 + 1e-9).all() and (plane.iyt_bits <= 1 + 1e-9).all()
    assert plane.label_entropy == pytest.approx(math.log(2))


def test_estimators_are_the_functions_they_name():
    h, y = activity()[0], torch.arange(64) % 3
    assert torch.equal(AdaptiveBins(5).estimate(h, y).ixt, binned_information(h, y, ebab_edges(h, 5)).ixt)
    bounds = kde_information(h, y, 0.1)
    assert torch.equal(KernelDensity(0.1, "fixed").estimate(h, y).iyt, bounds.iyt_upper)
    assert torch.equal(KernelDensity(0.1, "fixed", "lower").estimate(h, y).ixt, bounds.ixt_lower)
    with pytest.raises(ValueError, match="bound is 'middle'"):
        KernelDensity(bound="middle")


def test_each_layer_may_have_its_own_ruler_and_samples_can_be_chosen():
    rulers = {"mixed": [AdaptiveBins(5), WidthBins(1.0)]}
    chosen = torch.arange(0, 64, 4)
    recorder = PlaneRecorder(torch.arange(64) % 2 + torch.arange(64) // 32, rulers, samples=chosen)
    recorder(0, activity())
    plane = recorder.plane()
    assert plane.n_samples == 16 and plane.layers == ("layer 1", "layer 2")
    assert plane.estimator == "EBAB, 5 bins; bins of width 1"
    with pytest.raises(ValueError, match=r"estimators\['mixed'\] has 2 entries; expected 3"):
        PlaneRecorder(torch.arange(64) % 2, rulers)(0, activity(widths=(1, 1, 1)))


def test_a_plane_survives_saving_and_never_overwrites(tmp_path):
    plane = recorded().plane("EBAB")
    plane.save(tmp_path / "plane.npz")
    loaded = InformationPlane.load(tmp_path / "plane.npz")
    assert np.array_equal(loaded.ixt, plane.ixt) and loaded.layers == plane.layers and loaded.meta == {"seed": 0}
    with pytest.raises(FileExistsError, match="expected a new file"):
        plane.save(tmp_path / "plane.npz")


def test_mean_select_records_and_compression_agree_with_numpy():
    plane = recorded().plane("EBAB")
    assert plane.mean().ixt[:, 0] == pytest.approx(plane.ixt.mean(1))
    assert np.array_equal(plane.select(np.array([False, True])).ixt, plane.ixt[:, 1:])
    assert plane.compression() == pytest.approx(1 - plane.ixt[-1] / plane.ixt.max(0))
    records = plane.to_records()
    assert len(records) == 12 and records[-1].layer == "b" and records[-1].epoch == 5
    assert records[-1].ixt_bits == plane.ixt_bits[2, 1, 1]


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: PlaneRecorder(torch.zeros(4), {}), "estimators is empty"),
        (lambda: PlaneRecorder(torch.zeros(4, 1), RULERS), "y has shape"),
        (lambda: recorded().plane("mine"), "name is 'mine'; expected one of"),
        (lambda: PlaneRecorder(torch.arange(4), {"a": WidthBins()}).plane(), "nothing was recorded"),
        (lambda: InformationPlane(np.zeros(1), np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), ("a",), " ", 4, 0.0), "ruler"),
        (lambda: InformationPlane(np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)), ("a",), "x", 4, 0.0), "ixt has"),
    ],
)
def test_bad_planes_are_refused_by_name(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_a_study_is_reproducible_and_keeps_its_ceiling():
    settings = StudySettings("tanh", n_models=2, epochs=4, lr=8e-3, snapshots=3)
    first, second = (run_study(task, settings, progress=False) for _ in range(2))
    assert np.array_equal(first.plane.ixt, second.plane.ixt)
    assert first.plane.ixt_bits[0, :, 0] == pytest.approx([12.0, 12.0], abs=1e-9)  # layer 1 resolves every input
    assert first.plane.ixt_bits.max() <= 12 + 1e-9
    assert first.plane.iyt_bits.max() <= task.label_entropy_bits + 1e-9
    assert first.largest_activity.shape == first.plane.ixt.shape and (first.largest_activity[..., 5] <= 1).all()


def test_studies_as_parallel_jobs_equal_those_in_this_process():
    settings = {a: StudySettings(a, (4, 3), n_models=2, epochs=2, snapshots=2) for a in ("relu", "linear")}
    here = run_studies(digits(), settings, progress=False)
    there = run_studies(digits(), settings, n_jobs=2, progress=False)
    for name in settings:
        assert np.array_equal(here[name].plane.ixt, there[name].plane.ixt)
    assert list(there) == ["relu", "linear"]


def test_a_linear_network_keeps_every_input_apart_and_still_scores():
    """The control of lesson 2: the score of a layer that has lost nothing."""
    settings = StudySettings("linear", n_models=2, epochs=150, lr=8e-3, snapshots=8)
    kept = {}
    study = run_study(task, settings, keep=kept, progress=False)
    distinct = [len(torch.unique(h[0].double(), dim=0)) for h in kept[150][:5]]
    assert min(distinct[:4]) >= 4090  # float32 may round a handful together
    assert study.plane.compression()[:, 4].mean() > 0.1
    json.dumps(study.plane.meta)


def test_floors_follow_the_activation():
    assert MLPEnsemble(1, (2, 3, 2), "relu").floors == [0.0, 0.0]
    assert MLPEnsemble(1, (2, 3, 2), "linear").floors == [None, 0.0]


def test_every_figure_is_drawn_with_labels():
    plane = recorded().plane("EBAB")
    figures = [
        plane.plot(models=True),
        plots.plot_planes({"one": plane, "two": plane}, title="finding"),
        plots.plot_information(plane),
        plots.plot_compression({"a": plane.compression()}, plane.layers),
        ruler_plots.plot_edges(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0])),
        ruler_plots.plot_two_clusters(),
        ruler_plots.plot_largest_activity(np.ones((2, 2)), ["a", "b"]),
        ruler_plots.plot_correlation(np.random.default_rng(0).random((5, 2)), np.arange(5), ["n", "n"], ["a", "b"]),
    ]
    for fig, axes in figures:
        fig.canvas.draw()
        labels = [ax.get_xlabel() + ax.get_ylabel() for ax in np.atleast_1d(axes)]
        assert any(labels) or fig.get_supxlabel()
        matplotlib.pyplot.close(fig)
