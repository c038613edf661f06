"""The ocean: the file is whole and small, the map holds together, and the year is in it."""

import math

import pytest
import torch

from corelib.datasets.files.ocean import OCEAN
from corelib.datasets.ocean import ocean_temperature

pytestmark = pytest.mark.ch05


@pytest.fixture(scope="module")
def ocean():
    return ocean_temperature()


def test_the_months_follow_each_other_without_a_gap(ocean):
    assert ocean.months[0] == "2006-04" and ocean.months[-1] == "2010-09" and len(ocean.months) == 54
    numbers = [12 * int(month[:4]) + int(month[5:]) for month in ocean.months]
    assert numbers == list(range(numbers[0], numbers[0] + 54))


def test_the_map_holds_the_tropical_seas(ocean):
    assert ocean.temperature.shape == (54, 1420) and ocean.temperature.dtype == torch.float64
    assert ocean.sea.shape == (18, 108) and int(ocean.sea.sum()) == 1420
    assert ocean.latitude[0] == pytest.approx(-5, abs=1e-4) and ocean.latitude[-1] == pytest.approx(4.444, abs=1e-3)
    assert ocean.longitude[1] - ocean.longitude[0] == pytest.approx(10 / 3, abs=1e-4) and len(ocean.longitude) == 108
    assert ocean.temperature.min() > 15 and ocean.temperature.max() < 33

    def is_sea(latitude, longitude):
        return bool(ocean.sea[(ocean.latitude - latitude).abs().argmin(), (ocean.longitude - longitude).abs().argmin()])

    assert is_sea(0, 200) and is_sea(0, 340) and is_sea(0, 80)  # Pacific, Atlantic, Indian Ocean
    assert not is_sea(0, 23) and not is_sea(-4, 300)  # Congo and Amazon


def test_the_eastern_pacific_is_colder_than_the_western(ocean):
    mean = ocean.to_map(ocean.temperature).mean(0)

    def at(longitude):
        return mean[9, (ocean.longitude - longitude).abs().argmin()]

    assert at(160) - at(260) > 3


def test_values_go_to_their_places_on_the_map_and_land_is_empty(ocean):
    values = torch.arange(1420.0)
    picture = ocean.to_map(values.expand(2, -1))
    assert picture.shape == (2, 18, 108)
    torch.testing.assert_close(picture[1][ocean.sea], values)
    assert picture[:, ~ocean.sea].isnan().all()
    with pytest.raises(ValueError, match="1420"):
        ocean.to_map(torch.zeros(7))
    with pytest.raises(ValueError, match="1420"):
        ocean.to_map(torch.tensor(1.0))


def test_dynamic_modes_of_the_ocean_know_the_year_and_beat_climatology(ocean):
    past, rank = 42, 8
    mean = ocean.temperature[: past - 1].mean(0)  # of the months that have a successor to learn from
    x = (ocean.temperature - mean).T
    u, s, v = torch.linalg.svd(x[:, : past - 1], full_matrices=False)
    u = u[:, :rank]
    step = u.T @ x[:, 1:past] @ v[:rank].T / s[:rank]
    eigenvalues = torch.linalg.eigvals(step)
    yearly = eigenvalues[(eigenvalues.imag > 0) & (eigenvalues.abs() > 0.97)]
    assert len(yearly) == 1 and 2 * math.pi / float(yearly.angle()) == pytest.approx(12.1, abs=0.5)

    truth = x[:, past:]
    forecast = torch.stack([u @ torch.linalg.matrix_power(step, h) @ (u.T @ x[:, past - 1]) for h in range(1, 13)], 1)
    same_month = torch.stack([x[:, (past + h) % 12 : past : 12].mean(1) for h in range(12)], 1)
    persistence = x[:, past - 1 : past].expand_as(truth)
    ours, climatology, last = (
        float(((guess - truth) ** 2).mean(0).sqrt().mean()) for guess in (forecast, same_month, persistence)
    )
    assert ours == pytest.approx(0.86, abs=0.02)  # mean over the months of the error of a month
    assert climatology == pytest.approx(0.99, abs=0.03) and last == pytest.approx(1.52, abs=0.05)


def test_the_file_is_small():
    assert OCEAN.stat().st_size < 130_000
