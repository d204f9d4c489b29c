"""Texts: tokenizers, captions and prompt templates.

A tokenizer gives the same ids eagerly, in `tf.data` and in exported models.
"""

from uniclip_keras.data.text.clip_bpe import CLIPTokenizer
from uniclip_keras.data.text.keras_hub_tokenizer import KerasHubTokenizer
from uniclip_keras.data.text.sentencepiece import SentencePieceTokenizer
from uniclip_keras.data.text.siglip import SigLIPTokenizer
from uniclip_keras.data.text.subword import SubwordTokenizer
from uniclip_keras.data.text.subword import split_words
from uniclip_keras.data.text.templates import PROMPTS
from uniclip_keras.data.text.templates import prompt_templates
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import load_tokenizer
from uniclip_keras.data.text.tokenizer import register_tokenizer
