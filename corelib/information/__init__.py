"""Entropy and mutual-information estimators, and information planes. Nats, unless a name says bits."""

from corelib.information.binning import binned_information, digitize, digitize_width, ebab_edges, fixed_edges
from corelib.information.compression import RankCorrelation, compression_score, holm, rank_correlation
from corelib.information.discrete import entropy, mutual_information, row_codes
from corelib.information.estimate import MIEstimate, PlaneEstimate
from corelib.information.estimators import AdaptiveBins, FixedBins, KernelDensity, PlaneEstimator, WidthBins
from corelib.information.kde import KdeEstimate, adaptive_noise_variance, kde_information, mixture_entropy_mc
from corelib.information.neighbors import (
    gaussianize,
    kl_entropy,
    kl_mi,
    kl_mi_discrete,
    kl_weights,
    knn_distances,
    ksg_mi,
    ross_mi,
    whiten,
)
from corelib.information.plane import InformationPlane, PlaneRecorder
from corelib.information.samples import DegenerateSampleError, EstimatorWarning, dither

__all__ = [
    "AdaptiveBins",
    "DegenerateSampleError",
    "EstimatorWarning",
    "FixedBins",
    "InformationPlane",
    "KdeEstimate",
    "KernelDensity",
    "MIEstimate",
    "PlaneEstimate",
    "PlaneEstimator",
    "PlaneRecorder",
    "RankCorrelation",
    "WidthBins",
    "adaptive_noise_variance",
    "binned_information",
    "compression_score",
    "digitize",
    "digitize_width",
    "dither",
    "ebab_edges",
    "entropy",
    "fixed_edges",
    "gaussianize",
    "holm",
    "kde_information",
    "kl_entropy",
    "kl_mi",
    "kl_mi_discrete",
    "kl_weights",
    "knn_distances",
    "ksg_mi",
    "mixture_entropy_mc",
    "mutual_information",
    "rank_correlation",
    "ross_mi",
    "row_codes",
    "whiten",
]
