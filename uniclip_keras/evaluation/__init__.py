"""Evaluation: protocols, their scores, and what they are made of."""

from uniclip_keras.evaluation.augmentation_check import augmentation_check
from uniclip_keras.evaluation.corruptions import CORRUPTIONS
from uniclip_keras.evaluation.corruptions import corrupt
from uniclip_keras.evaluation.embedding import Embedder
from uniclip_keras.evaluation.few_shot import few_shot
from uniclip_keras.evaluation.fine_tuning import embedding_encoder
from uniclip_keras.evaluation.fine_tuning import fine_tune
from uniclip_keras.evaluation.fine_tuning import zero_shot_head
from uniclip_keras.evaluation.knn import knn
from uniclip_keras.evaluation.linear_probe import LinearHead
from uniclip_keras.evaluation.linear_probe import fit_logistic
from uniclip_keras.evaluation.linear_probe import linear_probe
from uniclip_keras.evaluation.nearest import nearest
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.retrieval import retrieval
from uniclip_keras.evaluation.retrieval import retrieval_metrics
from uniclip_keras.evaluation.robustness import corruption_robustness
from uniclip_keras.evaluation.scores import Scores
from uniclip_keras.evaluation.streaming import EmbeddedImages
from uniclip_keras.evaluation.streaming import StreamingEmbedder
from uniclip_keras.evaluation.zero_shot import class_embeddings
from uniclip_keras.evaluation.zero_shot import zero_shot
from uniclip_keras.evaluation.zero_shot import zero_shot_metrics
