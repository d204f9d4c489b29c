"""Unified image-text contrastive pre-training in Keras: UniCLIP."""

from uniclip_keras import data
from uniclip_keras import evaluation
from uniclip_keras import layers
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras import training
from uniclip_keras.errors import InputError
from uniclip_keras.export import export_saved_model

# pyproject.toml reads this literal; it must stay one.
__version__ = "0.4.0"
