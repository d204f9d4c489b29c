"""SentencePiece: ids, training and files."""

import numpy as np
import pytest
import sentencepiece

from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["sentencepiece"]


def test_ids_are_the_models_own_moved_up_by_one(tokenizer):
    model = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    assert tokenizer.vocabulary_size == model.vocab_size() + 3
    texts = ["Red HEART", "красное  сердце", "红蓝", "never seen Ω"]
    for text, row in zip(texts, tokenizer(texts).numpy(), strict=True):
        expected = [i + 1 for i in model.encode(text)][:10]
        assert row[1 : row.argmax()].tolist() == expected
        assert row[0] == tokenizer.vocabulary_size - 2


def test_files_and_bad_arguments(tokenizer, tmp_path):
    path = tmp_path / "my.model"
    path.write_bytes(tokenizer.model)
    loaded = SentencePieceTokenizer(path, context_length=12)
    np.testing.assert_array_equal(loaded(["red"]), tokenizer(["red"]))
    with pytest.raises(InputError, match="of 5 ids cannot be learned"):
        SentencePieceTokenizer.train(["abcdefgh"], 5)
    with pytest.raises(InputError, match="none.model' does not exist"):
        SentencePieceTokenizer(tmp_path / "none.model")
    with pytest.raises(InputError, match="given as bytes cannot be read"):
        SentencePieceTokenizer(b"no model")
