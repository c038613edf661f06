"""Every data set of the course, offline: generated here or shipped in a package."""

from corelib.datasets.container import Dataset, Split, train_test_split
from corelib.datasets.images import digits, mnist_5k
from corelib.datasets.spherical import (
    Icosahedron,
    band_powers,
    icosahedral_symmetries,
    icosahedron,
    pattern_features,
    szt_task,
)

__all__ = [
    "Dataset",
    "Icosahedron",
    "Split",
    "band_powers",
    "digits",
    "icosahedral_symmetries",
    "icosahedron",
    "mnist_5k",
    "pattern_features",
    "szt_task",
    "train_test_split",
]
