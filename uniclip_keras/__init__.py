"""Unified image-text contrastive pre-training in Keras: UniCLIP."""

from uniclip_keras import layers as layers
from uniclip_keras import losses
from uniclip_keras.errors import InputError
