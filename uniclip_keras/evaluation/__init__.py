"""Evaluation: protocols on embeddings, and what is measured with images."""

from uniclip_keras.evaluation.augmentation_check import augmentation_check
from uniclip_keras.evaluation.embedding import Embedder
from uniclip_keras.evaluation.nearest import nearest
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.retrieval import retrieval
from uniclip_keras.evaluation.retrieval import retrieval_metrics
from uniclip_keras.evaluation.scores import Scores
from uniclip_keras.evaluation.streaming import EmbeddedImages
from uniclip_keras.evaluation.streaming import StreamingEmbedder
from uniclip_keras.evaluation.zero_shot import class_embeddings
from uniclip_keras.evaluation.zero_shot import zero_shot
from uniclip_keras.evaluation.zero_shot import zero_shot_metrics
