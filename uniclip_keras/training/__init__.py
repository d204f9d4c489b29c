"""Running a training: devices, optimizer, checkpoints, progress."""

from uniclip_keras.training.checkpoints import Checkpoints
from uniclip_keras.training.checkpoints import restore_model
from uniclip_keras.training.distribution import distribution_strategy
from uniclip_keras.training.optimizers import adamw
from uniclip_keras.training.progress import Progress
from uniclip_keras.training.progress import read_history

__all__ = [
    "Checkpoints",
    "Progress",
    "adamw",
    "distribution_strategy",
    "read_history",
    "restore_model",
]
