"""Training: strategies, the optimizer, checkpoints, guards and reports."""

from uniclip_keras.training.averaging import averaged_weights
from uniclip_keras.training.checkpoints import Checkpoints
from uniclip_keras.training.data_report import DataReport
from uniclip_keras.training.datasets import distribute_dataset
from uniclip_keras.training.freezing import freeze
from uniclip_keras.training.freezing import weight_names
from uniclip_keras.training.guard import NonFiniteGuard
from uniclip_keras.training.layer_rates import rate_factors
from uniclip_keras.training.muon import PerWeightMuon
from uniclip_keras.training.optimizers import adamw
from uniclip_keras.training.per_weight_adamw import PerWeightAdamW
from uniclip_keras.training.progress import Progress
from uniclip_keras.training.progress import read_history
from uniclip_keras.training.restoring import restore_model
from uniclip_keras.training.signals import StopOnSignal
from uniclip_keras.training.strategies import distribution_strategy
from uniclip_keras.training.validation import Validation
from uniclip_keras.training.workers import is_chief
from uniclip_keras.training.workers import share_from_chief
