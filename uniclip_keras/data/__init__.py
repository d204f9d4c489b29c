"""Image-text pairs and labelled images: sources, views, tokens, batches."""

from uniclip_keras.data import augmentation
from uniclip_keras.data.bad_samples import BadSamples
from uniclip_keras.data.labels import LabelledWebDataset
from uniclip_keras.data.mixture import Mixture
from uniclip_keras.data.mixture import mix
from uniclip_keras.data.pipeline import load_images
from uniclip_keras.data.pipeline import training_dataset
from uniclip_keras.data.sources import WebDataset
from uniclip_keras.data.text import SubwordTokenizer
from uniclip_keras.data.text import Tokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.data.text import register_tokenizer

__all__ = [
    "BadSamples",
    "LabelledWebDataset",
    "Mixture",
    "SubwordTokenizer",
    "Tokenizer",
    "WebDataset",
    "augmentation",
    "load_images",
    "load_tokenizer",
    "mix",
    "register_tokenizer",
    "training_dataset",
]
