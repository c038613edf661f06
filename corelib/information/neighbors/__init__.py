"""Entropy and mutual information from nearest neighbours: Kozachenko-Leonenko, KSG, Ross, and how they search."""

from corelib.information.neighbors.counts import count_within
from corelib.information.neighbors.discrete_target import kl_mi_discrete, ross_mi
from corelib.information.neighbors.gaussianize import gaussianize, whiten
from corelib.information.neighbors.kozachenko import kl_entropy, kl_mi
from corelib.information.neighbors.ksg import ksg_mi
from corelib.information.neighbors.search import joint_neighbors, knn_distances
from corelib.information.neighbors.weights import kl_weights

__all__ = [
    "count_within",
    "gaussianize",
    "joint_neighbors",
    "kl_entropy",
    "kl_mi",
    "kl_mi_discrete",
    "kl_weights",
    "knn_distances",
    "ksg_mi",
    "ross_mi",
    "whiten",
]
