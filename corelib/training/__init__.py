"""Small networks, many at once, and probes for networks of your own."""

from corelib.training.activations import ACTIVATIONS, Activation, get_activation
from corelib.training.ensemble import MLPEnsemble
from corelib.training.optimizers import SGD, Adam
from corelib.training.probe import ActivityProbe
from corelib.training.train import TrainingTrace, log_spaced_epochs, train_ensemble

__all__ = [
    "ACTIVATIONS",
    "SGD",
    "Activation",
    "ActivityProbe",
    "Adam",
    "MLPEnsemble",
    "TrainingTrace",
    "get_activation",
    "log_spaced_epochs",
    "train_ensemble",
]
