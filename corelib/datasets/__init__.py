"""Every data set of the course, offline: generated here or shipped in a package."""

from corelib.datasets.clusters import clusters
from corelib.datasets.container import Dataset, Split, train_test_split
from corelib.datasets.images import digits, mnist_5k
from corelib.datasets.label_noise import flip_labels
from corelib.datasets.regression import RegressionData, bike_sharing, diabetes, standardize
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
    "RegressionData",
    "Split",
    "band_powers",
    "bike_sharing",
    "clusters",
    "diabetes",
    "digits",
    "flip_labels",
    "icosahedral_symmetries",
    "icosahedron",
    "mnist_5k",
    "pattern_features",
    "standardize",
    "szt_task",
    "train_test_split",
]
