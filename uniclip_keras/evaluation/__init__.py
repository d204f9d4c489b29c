"""Evaluation: zero-shot classification, retrieval and the report of a run."""

from uniclip_keras.evaluation.augmentation_check import augmentation_check
from uniclip_keras.evaluation.embedding import Embedder
from uniclip_keras.evaluation.prompts import PROMPTS
from uniclip_keras.evaluation.prompts import class_embeddings
from uniclip_keras.evaluation.prompts import prompt_templates
from uniclip_keras.evaluation.ranking import nearest
from uniclip_keras.evaluation.report import write_report
from uniclip_keras.evaluation.results_table import format_table
from uniclip_keras.evaluation.retrieval import retrieval
from uniclip_keras.evaluation.zero_shot import classify

__all__ = [
    "Embedder",
    "PROMPTS",
    "augmentation_check",
    "class_embeddings",
    "classify",
    "format_table",
    "nearest",
    "prompt_templates",
    "retrieval",
    "write_report",
]
