"""Small networks, many at once, and probes for networks of your own."""

from corelib.training.activations import ACTIVATIONS, Activation, get_activation
from corelib.training.encoder_ensemble import StochasticEncoderEnsemble
from corelib.training.encoder_training import (
    EncoderEvaluation,
    EncoderTrainingTrace,
    evaluate_encoders,
    generalization_gap,
    train_encoders,
)
from corelib.training.ensemble import MLPEnsemble
from corelib.training.optimizers import SGD, Adam
from corelib.training.probe import ActivityProbe
from corelib.training.regression import RegressionRun, Regressor, fgsm_rmse, train_regressor
from corelib.training.stochastic import GaussianNoise, NoisyDigitsNet, train_with_checkpoints
from corelib.training.swag import SwagRecorder
from corelib.training.train import TrainingTrace, log_spaced_epochs, train_ensemble

__all__ = [
    "ACTIVATIONS",
    "SGD",
    "Activation",
    "ActivityProbe",
    "Adam",
    "EncoderEvaluation",
    "EncoderTrainingTrace",
    "GaussianNoise",
    "MLPEnsemble",
    "NoisyDigitsNet",
    "RegressionRun",
    "Regressor",
    "StochasticEncoderEnsemble",
    "SwagRecorder",
    "TrainingTrace",
    "evaluate_encoders",
    "fgsm_rmse",
    "generalization_gap",
    "get_activation",
    "log_spaced_epochs",
    "train_encoders",
    "train_ensemble",
    "train_regressor",
    "train_with_checkpoints",
]
