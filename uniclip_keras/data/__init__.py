"""Image-text pairs and labeled images: sources, views, tokens, batches."""

from uniclip_keras.data import augmentation
from uniclip_keras.data.bad_samples import BadSamples
from uniclip_keras.data.images.evaluation import load_images
from uniclip_keras.data.pipeline import training_dataset
from uniclip_keras.data.sources import TFDS
from uniclip_keras.data.sources import Folders
from uniclip_keras.data.sources import Mixture
from uniclip_keras.data.sources import Table
from uniclip_keras.data.sources import TFRecords
from uniclip_keras.data.sources import WebDataset
from uniclip_keras.data.sources import mix
from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.data.text import KerasHubTokenizer
from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.data.text import SigLIPTokenizer
from uniclip_keras.data.text import SubwordTokenizer
from uniclip_keras.data.text import Tokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.data.text import register_tokenizer
