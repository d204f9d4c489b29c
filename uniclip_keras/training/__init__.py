"""Training: strategies, the optimizer, checkpoints and reports."""

from uniclip_keras.training.checkpoints import Checkpoints
from uniclip_keras.training.checkpoints import restore_model
from uniclip_keras.training.data_report import DataReport
from uniclip_keras.training.optimizers import adamw
from uniclip_keras.training.progress import Progress
from uniclip_keras.training.progress import read_history
from uniclip_keras.training.strategies import distribute_dataset
from uniclip_keras.training.strategies import distribution_strategy
