"""SigLIP's tokenizer: ids, files and models that are not its own.

`tests/models/clip` compares the ids with those of transformers.
"""

import pathlib

import numpy as np
import pytest

from uniclip_keras.data.text import SigLIPTokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "siglip"


@pytest.fixture(scope="module")
def tokenizer():
    return SigLIPTokenizer(FIXTURES / "transformers/spiece.model", 12)


def test_ids_are_the_models_own_and_end(tokenizer):
    rows = tokenizer(["", "Red, red", "a photo of the cat " * 9]).numpy()
    assert rows.shape == (3, 12) and (rows[:, -1] == 1).all()
    assert (rows[0] == 1).all()
    again = tokenizer(["red-", " red\t\u3000RED! "]).numpy()
    np.testing.assert_array_equal(again[1], rows[1])
    length = (again[0] != 1).sum()
    np.testing.assert_array_equal(rows[1, :length], again[0, :length])
    # A text that is too long keeps the end alone of what is not its own.
    assert (rows[2, :-1] != 1).all() and rows.max() < tokenizer.vocabulary_size
    assert tokenizer.detokenize(rows[:2]) == ["", "red red"]


def test_saved_and_loaded(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    again = load_tokenizer(str(tmp_path))
    assert again.fingerprint == tokenizer.fingerprint
    np.testing.assert_array_equal(again(["a cat"]), tokenizer(["a cat"]))


def test_other_models_are_refused(tokenizers):
    with pytest.raises(InputError, match="has no end '</s>'.*SentencePieceT"):
        SigLIPTokenizer(tokenizers["sentencepiece"].model)
    with pytest.raises(InputError, match="given as bytes cannot be read"):
        SigLIPTokenizer(b"no model")
