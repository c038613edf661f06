"""Entropy and mutual-information estimators, and information planes. Nats, unless a name says bits."""

from corelib.information.binning import binned_information, digitize, digitize_width, ebab_edges, fixed_edges
from corelib.information.cauchy_schwarz import (
    conditional_cs_divergence,
    cs_divergence,
    cs_qmi,
    cs_qmi_normalized,
    gaussian_gram,
    hsic,
)
from corelib.information.channel import gaussian_channel_bound, sample_propagation_mi
from corelib.information.compression import RankCorrelation, compression_score, holm, rank_correlation
from corelib.information.density import kde_entropy, kde_mi, loo_bandwidth
from corelib.information.discrete import entropy, mutual_information, row_codes
from corelib.information.encoder import (
    GaussianCodes,
    conditional_encoder_information,
    encoder_information,
    information_sandwich,
    quadrature_information,
)
from corelib.information.estimate import MIEstimate, PlaneEstimate
from corelib.information.estimators import AdaptiveBins, FixedBins, KernelDensity, PlaneEstimator, WidthBins
from corelib.information.kde import KdeEstimate, adaptive_noise_variance, kde_information, mixture_entropy_mc
from corelib.information.known import gaussian_mi, gaussian_pca_mi
from corelib.information.lossy import (
    Autoencoder,
    CompressedMI,
    CompressedPlane,
    PCACompressor,
    pca_information_loss_bound,
)
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
from corelib.information.neural import CriticMI, dv_bound, infonce_bound, nwj_bound
from corelib.information.plane import InformationPlane, PlaneRecorder
from corelib.information.samples import DegenerateSampleError, EstimatorWarning, dither

__all__ = [
    "AdaptiveBins",
    "Autoencoder",
    "CompressedMI",
    "CompressedPlane",
    "CriticMI",
    "DegenerateSampleError",
    "EstimatorWarning",
    "FixedBins",
    "GaussianCodes",
    "InformationPlane",
    "KdeEstimate",
    "KernelDensity",
    "MIEstimate",
    "PCACompressor",
    "PlaneEstimate",
    "PlaneEstimator",
    "PlaneRecorder",
    "RankCorrelation",
    "WidthBins",
    "adaptive_noise_variance",
    "binned_information",
    "compression_score",
    "conditional_cs_divergence",
    "conditional_encoder_information",
    "cs_divergence",
    "cs_qmi",
    "cs_qmi_normalized",
    "digitize",
    "digitize_width",
    "dither",
    "dv_bound",
    "ebab_edges",
    "encoder_information",
    "entropy",
    "fixed_edges",
    "gaussian_channel_bound",
    "gaussian_gram",
    "gaussian_mi",
    "gaussian_pca_mi",
    "gaussianize",
    "holm",
    "hsic",
    "infonce_bound",
    "information_sandwich",
    "kde_entropy",
    "kde_information",
    "kde_mi",
    "kl_entropy",
    "kl_mi",
    "kl_mi_discrete",
    "kl_weights",
    "knn_distances",
    "ksg_mi",
    "loo_bandwidth",
    "mixture_entropy_mc",
    "mutual_information",
    "nwj_bound",
    "pca_information_loss_bound",
    "quadrature_information",
    "rank_correlation",
    "ross_mi",
    "row_codes",
    "sample_propagation_mi",
    "whiten",
]
