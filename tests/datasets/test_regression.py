"""Two real sets for regression: the columns they claim, no leaks, and standardisation by training samples alone."""

import csv
import importlib.util
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from corelib.datasets.container import Split, train_test_split
from corelib.datasets.regression import RegressionData, bike_sharing, diabetes, standardize

pytestmark = pytest.mark.ch01


def small(x, y):
    x = torch.tensor(x, dtype=torch.float32)
    return RegressionData("small", x, torch.tensor(y)[:, None], ("a", "b")[: x.shape[1]], "made up")


@pytest.fixture(scope="module")
def bikes():
    return bike_sharing()


@pytest.fixture(scope="module")
def rows():
    folder = next(iter(importlib.util.find_spec("ISLP").submodule_search_locations))
    with open(f"{folder}/data/Bikeshare.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_diabetes_is_scikit_learns_in_its_own_units():
    data, bunch = diabetes(), load_diabetes()
    assert data.x.shape == (442, 10) and data.y.shape == (442, 1) and data.features == tuple(bunch.feature_names)
    assert (data.y.min().item(), data.y.max().item()) == (25, 346)
    assert data.x[:, 0].min() == 19 and set(data.x[:, 1].tolist()) == {1.0, 2.0}
    scaled = StandardScaler().fit_transform(data.x.double()) / math.sqrt(442)
    np.testing.assert_allclose(scaled, bunch.data, atol=1e-6)


def test_bikes_are_the_hours_of_one_year(bikes, rows):
    assert len(rows) == len(bikes) == 8645 and bikes.x.shape == (8645, 12) == (len(bikes), len(bikes.features))
    assert repr(bikes) == "RegressionData(bike sharing, hours of 2011: 8645 samples of 12 inputs)"
    bikers = torch.tensor([float(row["bikers"]) for row in rows])
    torch.testing.assert_close(bikes.y[:, 0].exp() - 1, bikers, rtol=1e-5, atol=1e-4)


def test_bikes_hold_no_column_that_adds_up_to_the_target(bikes, rows):
    leaks = [[float(row[name]) for row in rows] for name in ("casual", "registered")]
    assert np.array_equal(np.sum(leaks, axis=0), [float(row["bikers"]) for row in rows])  # why they are left out
    for leak in leaks:
        correlations = np.corrcoef(np.column_stack([bikes.x.double(), leak]).T)[-1, :-1]
        assert np.abs(correlations).max() < 0.9


def test_hours_and_months_go_round(bikes, rows):
    angles = {name: torch.atan2(bikes.x[:, i], bikes.x[:, i + 1]) for name, i in (("hour", 0), ("month", 2))}
    hours = (angles["hour"] * 24 / (2 * math.pi)).round().long() % 24
    assert hours.tolist() == [int(row["hr"]) for row in rows]
    months = (angles["month"] * 12 / (2 * math.pi)).round().long() % 12
    days = [int(row["day"]) for row in rows]
    assert months[0] == 0 and months[-1] == 11 and months[days.index(46)] == 1  # day 46 is the 15th of February
    assert bool((months.diff() >= 0).all())


def test_weather_is_ranked_from_clear_to_snow(bikes):
    weather = bikes.x[:, bikes.features.index("weather")].long()
    assert torch.bincount(weather).tolist() == [0, 5645, 2218, 781, 1]
    mean = [bikes.y[weather == rank].mean() for rank in (1, 2, 3)]
    assert mean[0] > mean[1] > mean[2]


def test_without_islp_the_error_holds_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps ISLP"):
        bike_sharing()


def test_an_islp_without_the_table_is_told_apart(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_loader("ISLP", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(FileNotFoundError, match=r"without Bikeshare\.csv"):
        bike_sharing()


def test_standardising_looks_at_training_samples_only():
    data = diabetes()
    split = train_test_split(len(data), 0.7, seed=3)
    x, y = standardize(data, split)
    assert x.dtype == y.dtype == torch.float32 and x.shape == data.x.shape and y.shape == data.y.shape
    for part in (x[split.train], y[split.train]):
        torch.testing.assert_close(part.mean(0), torch.zeros(part.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(part.std(0), torch.ones(part.shape[1]), atol=1e-5, rtol=0)
    changed = data.x.clone()
    changed[split.test] += 100
    other, _ = standardize(RegressionData("changed", changed, data.y, data.features, data.source), split)
    assert torch.equal(other[split.train], x[split.train])


def test_an_input_that_is_constant_in_training_is_shifted_and_not_blown_up():
    data = small([[7, 1], [7, 2], [8, 3]], [0.0, 1.0, 2.0])
    x, _ = standardize(data, Split(torch.tensor([0, 1]), torch.tensor([2])))
    assert x[:, 0].tolist() == [0, 0, 1]


def test_a_large_offset_costs_the_targets_no_more_than_their_own_digits():
    data = small([[1, 1], [2, 0], [3, 5]], [1e6, 1e6 + 1, 1e6 + 2])
    _, y = standardize(data, Split(torch.arange(3), torch.arange(0)))
    assert y[:, 0].tolist() == [-1, 0, 1]


def test_standardising_by_too_little_is_refused():
    data = small([[1, 1], [2, 0], [3, 5]], [4.0, 4.0, 5.0])
    with pytest.raises(ValueError, match=r"split.train has 1 samples; expected at least 2"):
        standardize(data, Split(torch.tensor([0]), torch.tensor([1, 2])))
    with pytest.raises(ValueError, match="y is 4 in every training sample"):
        standardize(data, Split(torch.tensor([0, 1]), torch.tensor([2])))


def test_data_that_do_not_fit_together_are_refused():
    x, y = torch.zeros(3, 2), torch.zeros(3, 1)
    for bad, message in (
        ((x.double(), y, ("a", "b")), r"x has shape \(3, 2\) and dtype torch.float64; expected \(N, d\) float32"),
        ((x[0], y, ("a", "b")), r"x has shape \(2,\)"),
        ((x, y[:, 0], ("a", "b")), r"y has shape \(3,\) and dtype torch.float32; expected \(3, 1\) float32"),
        ((x, y.double(), ("a", "b")), r"y has shape .* torch.float64"),
        ((x, y, ("a",)), "features names 1 inputs; expected 2"),
        ((x + math.nan, y, ("a", "b")), "x holds NaN or infinite values"),
        ((x, y + math.inf, ("a", "b")), "y holds NaN or infinite values"),
    ):
        with pytest.raises(ValueError, match=message):
            RegressionData("bad", *bad, "made up")
