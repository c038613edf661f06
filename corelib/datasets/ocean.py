"""Real sea-surface temperatures of the tropics, month by month: the one data set here that no equation made."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corelib.datasets.files.ocean import LAND, OCEAN, read_ocean


@dataclass(frozen=True, eq=False)
class OceanTemperature:
    """Monthly means of the temperature of the sea's surface.

    Attributes:
        temperature: degrees Celsius at the sea points only, float64, shape ``(T, n)``; sea points in the order of
            ``sea`` row by row.
        sea: which points of the map are sea, bool, shape ``(H, W)`` with n True.
        latitude: degrees north, from south to north, float64, shape ``(H,)``.
        longitude: degrees east, from 0, float64, shape ``(W,)``.
        months: "2006-04" and so on, one a row of ``temperature``, without a gap.
        source: where the data come from, and their licence.
    """

    temperature: Tensor
    sea: Tensor
    latitude: Tensor
    longitude: Tensor
    months: tuple[str, ...]
    source: str

    def to_map(self, values: Tensor) -> Tensor:
        """Values at the sea points as a map, NaN on land (for drawing).

        Args:
            values: shape ``(..., n)``, real.

        Returns:
            Shape ``(..., H, W)``.

        Raises:
            ValueError: another number of values than sea points.
        """
        n = int(self.sea.sum())
        if values.ndim < 1 or values.shape[-1] != n:
            raise ValueError(f"values has shape {tuple(values.shape)}; expected (..., {n}), one a sea point")
        picture = values.new_full((*values.shape[:-1], *self.sea.shape), float("nan"))
        picture[..., self.sea] = values
        return picture


def ocean_temperature() -> OceanTemperature:
    """54 months, April 2006 to September 2010, of the equatorial oceans: 5 degrees on either side of the equator.

    Returns:
        An :class:`OceanTemperature` of 1,420 sea points on a map of 18 latitudes, 0.56 degrees apart, and 108
        longitudes, 3.33 degrees apart; rounded to 0.01 degrees.

    Raises:
        ValueError: the committed file has been changed.

    Source: the analysis OSTIA of Donlon et al. (2012), from iris-sample-data 2.5.2, (c) British Crown copyright 2018,
        Open Government Licence. How the committed file is made stands beside it in ``files/ocean.md``.
    """
    stored = read_ocean(OCEAN)
    sea = stored.hundredths[0] != LAND
    months = stored.hours.astype("datetime64[h]").astype("datetime64[M]")
    return OceanTemperature(
        torch.from_numpy(stored.hundredths[:, sea].astype(np.float64) / 100),
        torch.from_numpy(sea),
        torch.from_numpy(stored.latitude.astype(np.float64)),
        torch.from_numpy(stored.longitude.astype(np.float64)),
        tuple(str(month) for month in months),
        "OSTIA, Donlon et al. (2012), from iris-sample-data 2.5.2 (British Crown copyright, Open Government Licence)",
    )
