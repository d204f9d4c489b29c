"""The tokenizers of KerasHub's backbones, by preset."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from presets import write_preset

from uniclip_keras.data.text import KerasHubTokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.data.text.tokenizer import tokenizer_from_bytes
from uniclip_keras.data.text.tokenizer import tokenizer_to_bytes
from uniclip_keras.errors import InputError

LENGTH = 8
TEXTS = ["red circle", "Red Triangle!", "", "a red", "red " * 20]


def make_pair(folder, architecture):
    """Our tokenizer and KerasHub's."""
    _, theirs = write_preset(folder, architecture)
    return KerasHubTokenizer(str(folder), LENGTH), theirs


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("preset"), "Bert")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("preset"), "Roberta")


@pytest.fixture(params=["bert", "roberta"])
def pair(request):
    return request.getfixturevalue(request.param)


def test_rows_are_those_of_the_preprocessor(pair):
    ours, theirs = pair
    name = type(theirs).__name__.replace("Tokenizer", "")
    make = getattr(keras_hub.models, f"{name}TextClassifierPreprocessor")
    expected = make(theirs, sequence_length=LENGTH)(TEXTS)["token_ids"]
    tokens = ours(TEXTS)
    np.testing.assert_array_equal(tokens, expected)
    assert tokens.dtype == tf.int32
    assert tokens[2].numpy().tolist()[2:] == [ours.padding_id] * 6
    assert ours.padding_id == theirs.pad_token_id == (name == "Roberta")
    assert ours(np.array([TEXTS[:2]] * 3)).shape == (3, 2, LENGTH)


def test_detokenize(pair):
    ours, theirs = pair
    read = ours.detokenize(ours(["a red", "", TEXTS[-1]]))
    assert read[:2] == ["a red", ""] and read[2].startswith("red red")


def test_same_ids_in_a_dataset_and_after_a_new_seed(pair):
    ours, _ = pair
    expected = ours(TEXTS).numpy()
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(ours)
    np.testing.assert_array_equal(tf.concat(list(dataset), 0), expected)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(ours(TEXTS), expected)


def test_save_and_load(pair, tmp_path):
    ours, theirs = pair
    ours.save(str(tmp_path))
    for again in (
        KerasHubTokenizer(theirs, LENGTH),
        tokenizer_from_bytes(tokenizer_to_bytes(ours)),
        load_tokenizer(str(tmp_path)),
    ):
        assert again.fingerprint == ours.fingerprint
        assert again.vocabulary_size == theirs.vocabulary_size()
    np.testing.assert_array_equal(again(TEXTS), ours(TEXTS))
    file = tmp_path / "keras_hub_tokenizer.json"
    file.write_text(file.read_text().replace("true", "false"))
    with pytest.raises(InputError, match="is not the one that"):
        load_tokenizer(str(tmp_path))


def test_texts_are_cut_into_words_first(roberta):
    """Eagerly, KerasHub 0.32 does not, as its graphs and RoBERTa do."""
    ours, theirs = roberta
    ids = ours(["'tis"]).numpy()[0].tolist()
    pieces = [theirs.id_to_token(i) for i in ids[:5]]
    assert pieces == ["<s>", "'t", "i", "s", "</s>"]
    eager = [theirs.id_to_token(int(i)) for i in theirs("'tis")]
    assert eager == ["'", "tis"]


def test_bytes_that_the_vocabulary_lacks_are_left_out(roberta):
    ours, _ = roberta
    np.testing.assert_array_equal(ours(["red é"]), ours(["red "]))


def test_mistakes(tmp_path):
    with pytest.raises(InputError, match="'nothing' cannot be read"):
        KerasHubTokenizer("nothing")
    without = keras_hub.tokenizers.WordPieceTokenizer(["[UNK]", "a"])
    with pytest.raises(InputError, match="WordPieceTokenizer has no start"):
        KerasHubTokenizer(without)
