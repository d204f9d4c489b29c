"""Tokenizers: texts to ids, the same eagerly, in `tf.data` and when served."""

from uniclip_keras.data.text.clip_bpe import CLIPTokenizer
from uniclip_keras.data.text.sentencepiece import SentencePieceTokenizer
from uniclip_keras.data.text.subword import SubwordTokenizer
from uniclip_keras.data.text.subword import split_words
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import load_tokenizer
from uniclip_keras.data.text.tokenizer import register_tokenizer

__all__ = [
    "CLIPTokenizer",
    "SentencePieceTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "load_tokenizer",
    "register_tokenizer",
    "split_words",
]
