"""Evaluation: zero-shot classification, retrieval, use of augmentations."""

from uniclip_keras.evaluation.augmentation_check import augmentation_check
from uniclip_keras.evaluation.embedding import Embedder
from uniclip_keras.evaluation.ranking import nearest
from uniclip_keras.evaluation.retrieval import retrieval
from uniclip_keras.evaluation.zero_shot import class_embeddings
from uniclip_keras.evaluation.zero_shot import classify

__all__ = [
    "Embedder",
    "augmentation_check",
    "class_embeddings",
    "classify",
    "nearest",
    "retrieval",
]
