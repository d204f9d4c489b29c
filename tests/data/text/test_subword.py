"""WordPiece: splitting, training and files."""

import pathlib

import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data.text import SubwordTokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["subword"]


def test_special_pieces_and_truncation(tokenizer):
    assert tokenizer.vocabulary[:3] == ("[PAD]", "[UNK]", "[START]")
    assert tokenizer.vocabulary[-1] == "[END]"
    assert tokenizer.vocabulary_size == len(set(tokenizer.vocabulary))
    long, empty = tokenizer(["red heart " * 9, ""]).numpy()
    assert long[0] == 2 and long[-1] == tokenizer.vocabulary_size - 1
    assert empty.tolist() == [2, tokenizer.vocabulary_size - 1] + [0] * 10


def test_detokenize_reads_like_the_text(tokenizer):
    tokens = tokenizer(["Red heart", "Красное  сердце!", "红苹果", "red 鯨"])
    assert tokenizer.detokenize(tokens) == [
        "red heart", "красное сердце [UNK]", "红 苹 果", "red [UNK]",
    ]  # fmt: skip
    # Case and spacing do not matter.
    tokens = tokenizer(["red heart", " RED\theart ", "Red\u200bHeart"]).numpy()
    np.testing.assert_array_equal(tokens, tokens[:1].repeat(3, axis=0))


def test_words_and_vocabulary_are_kerashubs(tokenizer):
    """The ids equal those of KerasHub's tokenizer with its own splitting."""
    texts = ["Red HEART!", "КРАСНОЕ сердце", "Straße, Ünïcödé", "红苹果 red"]
    reference = keras_hub.tokenizers.WordPieceTokenizer(
        list(tokenizer.vocabulary), lowercase=True
    )
    dataset = tf.data.Dataset.from_tensor_slices(texts).map(reference.tokenize)
    for text, pieces in zip(texts, dataset, strict=True):
        row = tokenizer([text]).numpy()[0]
        ours = row[1 : row.argmax()]
        np.testing.assert_array_equal(ours, pieces.numpy()[: len(ours)])
        assert len(ours) == min(len(pieces), 10)


def test_small_vocabulary_size_is_kept(tokenizer, corpus):
    small = SubwordTokenizer.train(corpus, 100)
    assert small.vocabulary_size <= 100
    assert small.vocabulary[-1] == "[END]"
    # Where there is room, every word is a piece, even one that occurs once.
    large = SubwordTokenizer.train(["a zebra", "a heart"], 1000)
    assert {"zebra", "heart"} <= set(large.vocabulary)
    with pytest.raises(InputError, match="context length 2 is too short"):
        SubwordTokenizer(tokenizer.vocabulary, 2)


def test_mismatched_or_missing_files(tokenizer, tmp_path):
    folder = str(tmp_path)
    tokenizer.save(folder)
    vocabulary = pathlib.Path(folder, "vocabulary.txt")
    pieces = vocabulary.read_text().splitlines()
    pieces[10], pieces[11] = pieces[11], pieces[10]
    vocabulary.write_text("\n".join(pieces) + "\n")
    with pytest.raises(InputError, match="is not the one that"):
        load_tokenizer(folder)
    vocabulary.write_text("one\ntwo\n")
    with pytest.raises(InputError, match="does not begin with"):
        load_tokenizer(folder)
    vocabulary.unlink()
    with pytest.raises(InputError, match="vocabulary.txt' does not exist"):
        load_tokenizer(folder)
