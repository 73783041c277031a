from .images import input_shape
from .options import Epoch, TrainedNetwork, TrainingOptions
from .saving import save_network
from .stages import FineTuning
from .state import forget_state
from .train import train_network

__all__ = [
    "Epoch",
    "FineTuning",
    "TrainedNetwork",
    "TrainingOptions",
    "forget_state",
    "input_shape",
    "save_network",
    "train_network",
]
