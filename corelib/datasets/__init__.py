"""Every data set of the course, offline: generated here or shipped in a package."""

from corelib.datasets.clusters import clusters
from corelib.datasets.container import Dataset, Split, train_test_split
from corelib.datasets.images import digits, mnist_5k
from corelib.datasets.insurance import InsuranceData, group_edges, insurance
from corelib.datasets.label_noise import flip_labels
from corelib.datasets.networks import GraphData, cora, karate, minnesota, pubmed, svd_features, undirected_edges
from corelib.datasets.ocean import OceanTemperature, ocean_temperature
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
    "GraphData",
    "Icosahedron",
    "InsuranceData",
    "OceanTemperature",
    "RegressionData",
    "Split",
    "band_powers",
    "bike_sharing",
    "clusters",
    "cora",
    "diabetes",
    "digits",
    "flip_labels",
    "group_edges",
    "icosahedral_symmetries",
    "icosahedron",
    "insurance",
    "karate",
    "minnesota",
    "mnist_5k",
    "ocean_temperature",
    "pattern_features",
    "pubmed",
    "standardize",
    "svd_features",
    "szt_task",
    "train_test_split",
    "undirected_edges",
]
