"""Small networks, many at once, and probes for networks of your own."""

from corelib.training.activations import ACTIVATIONS, Activation, get_activation
from corelib.training.ensemble import MLPEnsemble
from corelib.training.optimizers import SGD, Adam
from corelib.training.probe import ActivityProbe
from corelib.training.stochastic import GaussianNoise, NoisyDigitsNet, train_with_checkpoints
from corelib.training.train import TrainingTrace, log_spaced_epochs, train_ensemble

__all__ = [
    "ACTIVATIONS",
    "SGD",
    "Activation",
    "ActivityProbe",
    "Adam",
    "GaussianNoise",
    "MLPEnsemble",
    "NoisyDigitsNet",
    "TrainingTrace",
    "get_activation",
    "log_spaced_epochs",
    "train_ensemble",
    "train_with_checkpoints",
]
