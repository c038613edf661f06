"""The stored ocean cannot change unnoticed and is rebuilt from one known file only."""

import zipfile

import numpy as np
import pytest

from corelib.datasets.files import ocean as files
from corelib.datasets.files.ocean import LAND, OCEAN, OCEAN_SHA256, PART, PART_SHA256, condense, read_ocean

pytestmark = pytest.mark.ch05


def test_temperatures_are_rounded_to_hundredths_and_land_is_marked():
    kelvin = np.full((2, 1, 8), 300.0, dtype=np.float32)
    kelvin[:, 0, 0] = 1e20
    kelvin[1, 0, 4] = 273.15 - 1.236
    small = condense(kelvin, np.array([1.0]), np.arange(8.0), np.array([0.0, 744.0]))
    assert small.hundredths.tolist() == [[[LAND, 2685]], [[LAND, -124]]] and small.longitude.tolist() == [0, 4]


def test_the_hash_sees_every_part():
    ocean = read_ocean(OCEAN)
    assert ocean.sha256() == OCEAN_SHA256
    for name in ("hundredths", "latitude", "longitude", "hours"):
        changed = {key: value.copy() for key, value in vars(ocean).items()}
        changed[name].flat[0] += 1
        assert files.StoredOcean(**changed).sha256() != OCEAN_SHA256


@pytest.mark.parametrize("damage", [b"", b"not a zip", OCEAN.read_bytes()[:50_000]])
def test_a_damaged_file_is_noticed(tmp_path, damage):
    (tmp_path / "ocean.npz").write_bytes(damage)
    with pytest.raises(ValueError, match="is not a stored ocean"):
        read_ocean(tmp_path / "ocean.npz")


def test_a_changed_file_is_noticed_and_a_missing_one_named(tmp_path):
    changed = {key: value.copy() for key, value in vars(read_ocean(OCEAN)).items()}
    changed["hundredths"][3, 4, 5] += 1
    np.savez_compressed(tmp_path / "ocean.npz", **changed)
    with pytest.raises(ValueError, match=f"expected {OCEAN_SHA256}"):
        read_ocean(tmp_path / "ocean.npz")
    with pytest.raises(FileNotFoundError, match="missing"):
        read_ocean(tmp_path / "missing.npz")


def test_a_wheel_with_other_files_is_refused(tmp_path, capsys):
    wheel = tmp_path / "iris.whl"
    before = OCEAN.read_bytes()
    for name, message in (("other.nc", "holds no"), (PART, "another SHA-256")):
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(name, "no ocean")
        with pytest.raises(SystemExit):
            files.main([str(wheel)])
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        files.main([str(tmp_path / "missing.whl")])
    assert OCEAN.read_bytes() == before


def test_attribution_lies_beside_the_file():
    text = OCEAN.with_suffix(".md").read_text()
    assert all(
        part in text for part in (OCEAN_SHA256, PART_SHA256, "Crown copyright", "Open Government Licence", "OSTIA")
    )
