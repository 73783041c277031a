"""Train a network end to end, by the same protocol as every head: fit on train, choose on validation."""

from hybrid.training.images import input_shape
from hybrid.training.options import Epoch, TrainedNetwork, TrainingOptions
from hybrid.training.saving import LAST, save_network
from hybrid.training.stages import FineTuning
from hybrid.training.state import forget_state
from hybrid.training.train import train_network

__all__ = [
    "LAST",
    "Epoch",
    "FineTuning",
    "TrainedNetwork",
    "TrainingOptions",
    "forget_state",
    "input_shape",
    "save_network",
    "train_network",
]
