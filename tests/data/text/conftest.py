"""One small tokenizer of each kind."""

import json
import pathlib

import pytest

from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.data.text import SubwordTokenizer

CORPUS = [
    "red heart\nrotes Herz\ncœur rouge\nкрасное сердце",
    "red apple\nroter Apfel\npomme rouge\n红苹果",
    "blue heart\nblaues Herz\nцвет сердце\n蓝心",
    "man scientist: medium skin tone\nman farmer: dark skin tone",
]
LENGTH = 12
FIXTURE = pathlib.Path(__file__).parents[2] / "fixtures" / "clip_bpe.json"


@pytest.fixture(scope="package")
def corpus():
    return CORPUS


@pytest.fixture(scope="package")
def clip_golden():
    """Some of CLIP's merges with their ranks, and open_clip's ids of texts."""
    return json.loads(FIXTURE.read_text())


@pytest.fixture(scope="package")
def tokenizers(clip_golden):
    """Tokenizers by kind."""
    made = [
        SubwordTokenizer.train(CORPUS, 400, LENGTH),
        SentencePieceTokenizer.train(CORPUS, 120, LENGTH),
        CLIPTokenizer([merge for _, merge in clip_golden["merges"]], LENGTH),
    ]
    return {tokenizer.kind: tokenizer for tokenizer in made}
