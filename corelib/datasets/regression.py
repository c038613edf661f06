"""Two real sets for regression that ship inside packages: scikit-learn's diabetes and hours of bike sharing."""

import csv
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corelib.datasets.container import Split

_INSTALL = "pip install --no-deps ISLP"
_MONTHS = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
_WEATHER = ("clear", "cloudy/misty", "light rain/snow", "heavy rain/snow")
_COPIED = ("holiday", "weekday", "workingday", "temp", "atemp", "hum", "windspeed")


@dataclass(frozen=True, repr=False, eq=False)
class RegressionData:
    """Inputs with a number each.

    Attributes:
        name: what to call it in a figure.
        x: inputs, float32, shape ``(N, d)``, in the units of the source; nothing is standardised.
        y: targets, float32, shape ``(N, 1)``: a column, since kernels on ``(N,)`` are the mistake to look out for.
        features: names of the d inputs.
        source: where the data come from, and their licence.
    """

    name: str
    x: Tensor
    y: Tensor
    features: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.x.dtype != torch.float32:
            raise ValueError(f"x has shape {tuple(self.x.shape)} and dtype {self.x.dtype}; expected (N, d) float32")
        if self.y.shape != (len(self.x), 1) or self.y.dtype != torch.float32:
            raise ValueError(
                f"y has shape {tuple(self.y.shape)} and dtype {self.y.dtype}; expected ({len(self.x)}, 1) float32"
            )
        if len(self.features) != self.x.shape[1]:
            raise ValueError(f"features names {len(self.features)} inputs; expected {self.x.shape[1]}")
        for name, values in (("x", self.x), ("y", self.y)):
            if not torch.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"RegressionData({self.name}: {len(self)} samples of {self.x.shape[1]} inputs)"


def diabetes() -> RegressionData:
    """How far the disease went within a year in 442 patients, from ten measurements at its start.

    Returns:
        A :class:`RegressionData`: x ``(442, 10)`` as measured (age in years, sex as 1 and 2, body mass index, blood
        pressure, six values of the blood), y ``(442, 1)``, the score of progression, 25 to 346.

    Source: Efron, Hastie, Johnstone and Tibshirani (2004), as shipped in scikit-learn.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    return RegressionData(
        name="diabetes",
        x=torch.from_numpy(bunch.data.astype(np.float32)),
        y=torch.from_numpy(bunch.target.astype(np.float32)[:, None]),
        features=tuple(bunch.feature_names),
        source="Efron et al. (2004), Least Angle Regression, from scikit-learn",
    )


def bike_sharing() -> RegressionData:
    """Bikes rented in each of 8,645 hours of 2011 in Washington, D.C., from the calendar and the weather.

    The numbers of casual and of registered riders are left out: they add up to the target. Hours and months go round,
    so each is two columns, the sine and cosine of its angle; the weather is its rank from clear (1) to heavy rain or
    snow (4). Season and day of the year say what the month says, and are left out too. The hours follow each other, so
    a random split tests interpolation within the year and not forecasts.

    Returns:
        A :class:`RegressionData`: x ``(8645, 12)``, temperatures, humidity and wind speed over their maxima as in the
        source, y ``(8645, 1)``, ln(1 + rented bikes).

    Raises:
        ModuleNotFoundError: ISLP is not installed; the message holds the command.
        FileNotFoundError: ISLP is installed without the file.

    Source: Fanaee-T and Gama (2014), UCI Bike Sharing (CC BY 4.0), the part that ISLP (BSD-3) ships.
    """
    with _bike_file().open(newline="") as file:
        rows = list(csv.DictReader(file))
    hour = 2 * math.pi / 24 * np.array([int(row["hr"]) for row in rows])
    month = 2 * math.pi / 12 * np.array([_MONTHS.index(row["mnth"]) for row in rows])
    weather = [1 + _WEATHER.index(row["weathersit"]) for row in rows]
    copied = [[float(row[name]) for row in rows] for name in _COPIED]
    columns = [np.sin(hour), np.cos(hour), np.sin(month), np.cos(month), weather, *copied]
    bikers = np.array([float(row["bikers"]) for row in rows])
    return RegressionData(
        name="bike sharing, hours of 2011",
        x=torch.from_numpy(np.stack(columns, axis=1).astype(np.float32)),
        y=torch.from_numpy(np.log1p(bikers).astype(np.float32)[:, None]),
        features=("sin hour", "cos hour", "sin month", "cos month", "weather", *_COPIED),
        source="UCI Bike Sharing (CC BY 4.0), 2011, as shipped in ISLP",
    )


def standardize(data: RegressionData, split: Split) -> tuple[Tensor, Tensor]:
    """Inputs and targets in standard deviations from the mean, both taken from the training samples alone.

    Args:
        data: N samples of d inputs.
        split: which samples to take mean and standard deviation from, at least two.

    Returns:
        x ``(N, d)`` and y ``(N, 1)``, float32. An input that is the same in every training sample is only shifted.

    Raises:
        ValueError: fewer than two training samples, or a target that is the same in all of them.
    """
    if len(split.train) < 2:
        raise ValueError(f"split.train has {len(split.train)} samples; expected at least 2")
    x, y = data.x[split.train].double(), data.y[split.train].double()
    if (y == y[0]).all():
        raise ValueError(f"y is {y[0].item():g} in every training sample; expected targets that differ")
    std = torch.where((x == x[0]).all(0), 1.0, x.std(0))
    return ((data.x - x.mean(0)) / std).float(), ((data.y - y.mean()) / y.std()).float()


def _bike_file() -> Path:
    # Finding the package does not import it: it imports much that this course does not need.
    spec = importlib.util.find_spec("ISLP")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"bike_sharing reads a table that ships in ISLP, which is not installed: {_INSTALL}")
    file = Path(next(iter(spec.submodule_search_locations))) / "data" / "Bikeshare.csv"
    if not file.exists():
        raise FileNotFoundError(f"ISLP is installed without {file.name}; expected release 0.6 or later: {_INSTALL}")
    return file
