"""Distributions whose mutual information is known, to measure estimators against. Everything is in nats."""

from corelib.information.known.families import (
    FAMILIES,
    KnownSample,
    correlated_normal,
    correlated_student,
    correlated_uniform,
    log_gamma_exponential,
    smoothed_uniform,
    stretched_normal,
    student_floor,
    swiss_roll,
    uniform_labels,
)
from corelib.information.known.gaussian import gaussian_mi, gaussian_pca_mi
from corelib.information.known.images import (
    KnownImages,
    anti_pca,
    blob_images,
    correlated_blob_images,
    image_source,
    known_images,
    rectangle_images,
)

__all__ = [
    "FAMILIES",
    "KnownImages",
    "KnownSample",
    "anti_pca",
    "blob_images",
    "correlated_blob_images",
    "correlated_normal",
    "correlated_student",
    "correlated_uniform",
    "gaussian_mi",
    "gaussian_pca_mi",
    "image_source",
    "known_images",
    "log_gamma_exponential",
    "rectangle_images",
    "smoothed_uniform",
    "stretched_normal",
    "student_floor",
    "swiss_roll",
    "uniform_labels",
]
