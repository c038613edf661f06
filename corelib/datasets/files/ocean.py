"""Sea-surface temperatures out of the wheel of iris-sample-data: ``python -m corelib.datasets.files.ocean WHEEL``.

The wheel is opened as an archive; nothing of it is installed or run. h5py reads the file; nothing else here needs it.
"""

import argparse
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

OCEAN = Path(__file__).parent / "ocean.npz"
OCEAN_SHA256 = "86543e0d6b5c528b76fe9e9a20936ab53734ec8e9c43ed52459f23691ff37649"
PART = "iris_sample_data/sample_data/ostia_monthly.nc"
PART_SHA256 = "e40d33fef22eabae985dae0fcee7643e127394195cef55a2e40e1f5416d57f98"
LAND = np.iinfo(np.int16).min
EVERY_LONGITUDE = 4


@dataclass(frozen=True, eq=False)
class StoredOcean:
    """What the file holds.

    Attributes:
        hundredths: monthly means in hundredths of a degree Celsius, :data:`LAND` on land, int16, shape
            ``(months, latitudes, longitudes)``.
        latitude: degrees north, float32.
        longitude: degrees east, float32.
        hours: middle of each month, hours since 1970, float64.
    """

    hundredths: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    hours: np.ndarray

    def sha256(self) -> str:
        """Hash of the content, the same whatever compressed the file."""
        content = hashlib.sha256(repr(self.hundredths.shape).encode())
        for array, kind in (
            (self.hundredths, "<i2"),
            (self.latitude, "<f4"),
            (self.longitude, "<f4"),
            (self.hours, "<f8"),
        ):
            content.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return content.hexdigest()

    def check(self, name: str) -> None:
        """Raise ValueError unless the content is the one recorded here."""
        if (found := self.sha256()) != OCEAN_SHA256:
            raise ValueError(f"{name} has content of SHA-256 {found}; expected {OCEAN_SHA256}")


def read_ocean(path: Path) -> StoredOcean:
    """The content of a stored file; nothing is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or holds anything else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            ocean = StoredOcean(*(stored[name] for name in StoredOcean.__dataclass_fields__))
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not a stored ocean: {error}") from error
    ocean.check(str(path))
    return ocean


def condense(kelvin: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, hours: np.ndarray) -> StoredOcean:
    """Every fourth longitude, in hundredths of a degree Celsius.

    Args:
        kelvin: temperatures, 1e20 on land, shape ``(months, latitudes, longitudes)``.
        latitude: degrees north.
        longitude: degrees east.
        hours: hours since 1970.
    """
    kept = kelvin[:, :, ::EVERY_LONGITUDE].astype(np.float64)
    land = kept > 1e19
    hundredths = np.where(land, LAND, np.round(100 * (np.where(land, 0, kept) - 273.15))).astype(np.int16)
    return StoredOcean(hundredths, latitude.astype("f4"), longitude[::EVERY_LONGITUDE].astype("f4"), hours)


def rebuild_ocean(wheel: Path) -> StoredOcean:
    """The temperatures from the wheel of iris-sample-data 2.5.2.

    Raises:
        ValueError: the wheel lacks the file, or the file or the result has another hash than recorded here.
        ModuleNotFoundError: h5py is not installed.
    """
    with zipfile.ZipFile(wheel) as archive:
        try:
            raw = archive.read(PART)
        except KeyError:
            raise ValueError(f"{wheel} holds no {PART}; expected the wheel of iris-sample-data 2.5.2") from None
    if hashlib.sha256(raw).hexdigest() != PART_SHA256:
        raise ValueError(f"{PART} in {wheel} has another SHA-256 than {PART_SHA256}")
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("rebuilding the ocean reads a file of HDF5: pip install h5py") from error
    with h5py.File(io.BytesIO(raw)) as file:
        ocean = condense(*(file[name][:] for name in ("surface_temperature", "latitude", "longitude", "time")))
    ocean.check("the rebuilt ocean")
    return ocean


def main(arguments: list[str] | None = None) -> None:
    """Rebuild the file and write it."""
    parser = argparse.ArgumentParser(prog="python -m corelib.datasets.files.ocean", description=__doc__)
    parser.add_argument("wheel", type=Path, help="iris_sample_data-2.5.2-py3-none-any.whl")
    wheel = parser.parse_args(arguments).wheel
    try:
        ocean = rebuild_ocean(wheel)
    except (OSError, ValueError, ModuleNotFoundError, zipfile.BadZipFile) as error:
        parser.error(str(error))
    np.savez_compressed(OCEAN, **vars(ocean))
    print(f"{OCEAN}: written, content SHA-256 {ocean.sha256()}")


if __name__ == "__main__":
    main()
