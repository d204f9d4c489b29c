"""Tokenizers of all kinds."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from presets import write_preset

from uniclip_keras.data.text import KerasHubTokenizer
from uniclip_keras.data.text import Tokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.data.text import register_tokenizer
from uniclip_keras.data.text import tokenizer as module
from uniclip_keras.errors import InputError

KINDS = ("subword", "sentencepiece", "clip")
TEXTS = [
    "Red HEART!",
    "КРАСНОЕ сердце",
    "Straße, Ünïcödé",
    "红苹果 red",
    "",
    "   \t ",
    "zzz\u200dqqq 🍎",
    "man scientist farmer red blue heart apple pomme rouge man " * 3,
]


@pytest.fixture(params=KINDS)
def tokenizer(request, tokenizers):
    return tokenizers[request.param]


@pytest.mark.parametrize(("kind", "size"), [("subword", 400), (KINDS[1], 120)])
def test_training_is_deterministic_and_keeps_to_the_size(
    kind, size, tokenizers, corpus
):
    tokenizer = tokenizers[kind]
    train = type(tokenizer).train
    assert tokenizer.vocabulary_size <= size
    # Order, repetition and grouping of captions do not matter.
    lines = [line for text in corpus for line in text.split("\n")]
    again = train(reversed(lines + lines), size, 12)
    assert again.fingerprint == tokenizer.fingerprint
    for other in (train(corpus, size, 13), train(corpus[:3], size, 12)):
        assert other.fingerprint != tokenizer.fingerprint
    for nothing in (["", "\n"], []):
        with pytest.raises(InputError, match="no texts to learn"):
            train(nothing, 100)


def test_every_row_is_start_ids_end_padding(tokenizer):
    tokens = tokenizer(TEXTS)
    assert tokens.shape == (len(TEXTS), 12) and tokens.dtype == tf.int32
    end = tokenizer.vocabulary_size - 1
    for text, row in zip(TEXTS, tokens.numpy(), strict=True):
        # KerasHub's CLIP text encoder pools at the largest id.
        index = row.argmax()
        assert row[index] == end and (row == end).sum() == 1
        assert (row == row[0]).sum() == 1
        assert not row[index + 1 :].any() and row[:index].all()
        assert (index == 1) == (not text.strip())
    # A long text loses its tail, but keeps the end.
    assert tokens[-1, -1] == end


def test_detokenize_reads_like_the_text_even_if_it_is_broken(tokenizer):
    texts = ["Red heart", "красн", "", TEXTS[-1]]
    read = tokenizer.detokenize(tokenizer(texts))
    assert read[:3] == ["red heart", "красн", ""]
    assert texts[-1].startswith(read[-1]) and read[-1].startswith("man s")

    tokens = tokenizer([b"red \xff\xfe blue", b"red\xc3", b"red\x00blue"])
    whole, cut, zero = tokenizer.detokenize(tokens)
    assert whole.startswith("red ") and whole.endswith(" blue")
    assert cut.startswith("red") or cut == "[UNK]"
    assert zero.startswith("red")


def test_same_ids_from_list_array_tensor_graph_and_map(tokenizer):
    """A new seed clears TensorFlow's kernel cache; the ids stay."""
    expected = tokenizer(TEXTS).numpy()
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    for tokens in (
        tokenizer(np.array(TEXTS, object)),
        tokenizer(tf.constant(TEXTS)),
        tf.function(tokenizer)(tf.constant(TEXTS)),
        tf.concat(list(dataset.map(tokenizer)), axis=0),
    ):
        np.testing.assert_array_equal(tokens, expected)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(tokenizer(TEXTS), expected)


def test_several_captions_of_each_sample(tokenizer):
    several = tokenizer([TEXTS[:2], TEXTS[2:4]])
    assert several.shape == (2, 2, 12)
    flat = tf.reshape(several, [4, 12])
    np.testing.assert_array_equal(flat, tokenizer(TEXTS[:4]))
    dataset = tf.data.Dataset.from_tensors(TEXTS).batch(2).map(tokenizer)
    assert dataset.element_spec.shape == (None, len(TEXTS), 12)


def test_save_and_load(tokenizer, tmp_path):
    folder = tmp_path / "made" / "here"
    tokenizer.save(str(folder))
    loaded = load_tokenizer(str(folder))
    assert type(loaded) is type(tokenizer)
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded.vocabulary_size == tokenizer.vocabulary_size
    np.testing.assert_array_equal(loaded(TEXTS), tokenizer(TEXTS))
    sent = module.tokenizer_from_bytes(module.tokenizer_to_bytes(tokenizer))
    assert sent.fingerprint == tokenizer.fingerprint
    config = folder / "tokenizer.json"
    config.write_text(config.read_text().replace("12,", "13,"))
    with pytest.raises(InputError, match="is not the one that"):
        load_tokenizer(str(folder))


def test_saved_models_give_the_same_ids_in_a_fresh_process(
    tokenizers, tmp_path
):
    backbones = {
        name: KerasHubTokenizer(write_preset(tmp_path / name, name)[1], 12)
        for name in ("Bert", "Roberta")
    }
    tokenizers = tokenizers | backbones
    archive = keras.export.ExportArchive()
    signature = [tf.TensorSpec([None], tf.string)]
    for kind, tokenizer in tokenizers.items():
        archive.track(tokenizer)
        archive.add_endpoint(kind, tokenizer, signature)
    archive.write_out(str(tmp_path / "model"), verbose=False)
    script = (
        "import json, sys\n"
        "import tensorflow as tf\n"
        "import tensorflow_text\n"
        f"model = tf.saved_model.load({str(tmp_path / 'model')!r})\n"
        "texts = tf.constant(json.load(sys.stdin))\n"
        f"kinds = {[*tokenizers]}\n"
        "tokens = [getattr(model, kind)(texts) for kind in kinds]\n"
        "print(json.dumps([t.numpy().tolist() for t in tokens]))\n"
        "assert 'keras_hub' not in sys.modules\n"
    )
    command = [sys.executable, "-c", script]
    output = subprocess.check_output(
        command, input=json.dumps(TEXTS), text=True, cwd=tmp_path
    )
    found = json.loads(output.strip().splitlines()[-1])
    for kind, tokens in zip(tokenizers, found, strict=True):
        np.testing.assert_array_equal(tokens, tokenizers[kind](TEXTS))


def test_files_that_are_not_a_tokenizer(tokenizers, tmp_path):
    folder = str(tmp_path)
    with pytest.raises(InputError, match="tokenizer.json' does not exist"):
        load_tokenizer(folder)
    config = pathlib.Path(folder, "tokenizer.json")
    config.write_text(json.dumps({"tokenizer": "bytes"}))
    with pytest.raises(InputError, match="'bytes' .* unknown: .*subword"):
        load_tokenizer(folder)
    for text in ("{", '{"tokenizer": "subword"}'):
        config.write_text(text)
        with pytest.raises(InputError, match="cannot be read"):
            load_tokenizer(folder)
    for kind in KINDS:
        tokenizers[kind].save(folder)
        for file in pathlib.Path(folder).iterdir():
            if file != config:
                file.unlink()
        with pytest.raises(InputError, match="' does not exist"):
            load_tokenizer(folder)


def test_another_kind_can_be_registered(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_KINDS", dict(module._KINDS))

    @register_tokenizer
    class LengthTokenizer(Tokenizer):
        kind = "length"
        vocabulary_size = 10
        _file = "empty.txt"
        _content = ""

        def _encode(self, texts):
            return tf.tile(tf.strings.length(texts)[:, None], [1, 3])

        @classmethod
        def _read(cls, folder, config):
            return cls(config["context_length"])

    LengthTokenizer(3).save(str(tmp_path))
    tokens = load_tokenizer(str(tmp_path))(["ab", "abc"])
    assert tokens.numpy().tolist() == [[2, 2, 2], [3, 3, 3]]
