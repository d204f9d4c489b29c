"""Layers between the encoders and the loss."""

from uniclip_keras.layers.attention_pooling import AttentionPooling
from uniclip_keras.layers.augmentation_encoder import AugmentationEncoder
from uniclip_keras.layers.domain_similarity import DomainSimilarity
from uniclip_keras.layers.image_projection import ImageProjection
from uniclip_keras.layers.projection import TextProjection
from uniclip_keras.layers.projection import ViewProjection
from uniclip_keras.layers.transformer import TransformerBlock
