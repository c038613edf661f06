"""Mutual information through lossy compression: compressors, what they cost, and estimates between codes."""

from corelib.information.lossy.autoencoder import Autoencoder
from corelib.information.lossy.compressed import CompressedMI, CompressedPlane, Compressor, Estimator
from corelib.information.lossy.compressors import PCACompressor, pca_information_loss_bound

__all__ = [
    "Autoencoder",
    "CompressedMI",
    "CompressedPlane",
    "Compressor",
    "Estimator",
    "PCACompressor",
    "pca_information_loss_bound",
]
