"""Evaluation: zero-shot classification, retrieval, the augmentation check."""

from uniclip_keras.evaluation.augmentation_check import augmentation_check
from uniclip_keras.evaluation.embedding import Embedder
from uniclip_keras.evaluation.ranking import nearest
from uniclip_keras.evaluation.retrieval import retrieval_metrics
from uniclip_keras.evaluation.scores import Scores
from uniclip_keras.evaluation.seeds import VarianceComponents
from uniclip_keras.evaluation.seeds import compare_methods
from uniclip_keras.evaluation.seeds import variance_components
from uniclip_keras.evaluation.statistics import Difference
from uniclip_keras.evaluation.statistics import confidence_interval
from uniclip_keras.evaluation.statistics import detectable_difference
from uniclip_keras.evaluation.statistics import paired_difference
from uniclip_keras.evaluation.zero_shot import class_embeddings
from uniclip_keras.evaluation.zero_shot import zero_shot_metrics
