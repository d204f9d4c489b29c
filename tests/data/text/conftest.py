"""One small tokenizer of each kind."""

import json

import pytest
from references import FIXTURES

from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.data.text import SubwordTokenizer

LENGTH = 12
CORPUS = [
    "red heart\nrotes Herz\ncœur rouge\nкрасное сердце",
    "red apple\nroter Apfel\npomme rouge\n红苹果",
    "blue heart\nblaues Herz\nцвет сердце\n蓝心",
    "man scientist: medium skin tone\nman farmer: dark skin tone",
]


@pytest.fixture(scope="package")
def corpus():
    return CORPUS


@pytest.fixture(scope="package")
def clip_golden():
    """Some of CLIP's merges with their ranks, and open_clip's ids of texts."""
    return json.loads((FIXTURES / "clip_bpe.json").read_text())


@pytest.fixture(scope="package")
def tokenizers(clip_golden):
    """Tokenizers by kind."""
    made = [
        SubwordTokenizer.train(CORPUS, 400, LENGTH),
        SentencePieceTokenizer.train(CORPUS, 120, LENGTH),
        CLIPTokenizer([merge for _, merge in clip_golden["merges"]], LENGTH),
    ]
    return {tokenizer.kind: tokenizer for tokenizer in made}
