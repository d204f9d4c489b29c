import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import Tokenizer
from uniclip_keras.data import load_tokenizer
from uniclip_keras.data import register_tokenizer
from uniclip_keras.data import text as text_module
from uniclip_keras.errors import InputError

CORPUS = [
    "red heart\nrotes Herz\ncœur rouge\nкрасное сердце",
    "red apple\nroter Apfel\npomme rouge\n红苹果",
    "blue heart\nblaues Herz\nцвет сердце\n蓝心",
    "man scientist: medium skin tone\nman farmer: dark skin tone",
]
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


@pytest.fixture(scope="module")
def tokenizer():
    return SubwordTokenizer.train(CORPUS, 400, context_length=12)


def test_ids_of_the_special_pieces(tokenizer):
    assert tokenizer.vocabulary[:3] == ("[PAD]", "[UNK]", "[START]")
    assert tokenizer.vocabulary[-1] == "[END]"
    assert tokenizer.vocabulary_size == len(set(tokenizer.vocabulary))
    assert tokenizer.vocabulary_size <= 400


def test_every_row_is_start_pieces_end_padding(tokenizer):
    tokens = tokenizer(TEXTS)
    assert tokens.shape == (len(TEXTS), 12) and tokens.dtype == tf.int32
    end = tokenizer.vocabulary_size - 1
    for row in tokens.numpy():
        # KerasHub's CLIP text tower pools where the largest id stands.
        place = row.argmax()
        assert row[place] == end and (row == end).sum() == 1
        assert row[0] == 2
        assert not row[place + 1 :].any() and row[:place].all()


def test_truncation_keeps_the_end(tokenizer):
    long, empty = tokenizer([TEXTS[-1], ""]).numpy()
    assert long[0] == 2 and long[-1] == tokenizer.vocabulary_size - 1
    assert empty.tolist() == [2, tokenizer.vocabulary_size - 1] + [0] * 10


def test_detokenize_reads_like_the_text(tokenizer):
    tokens = tokenizer(["Red heart", "Красное  сердце!", "红苹果", "red 鯨"])
    assert tokenizer.detokenize(tokens) == [
        "red heart", "красное сердце [UNK]", "红 苹 果", "red [UNK]",
    ]  # fmt: skip


def test_case_and_spacing_do_not_matter(tokenizer):
    tokens = tokenizer(["red heart", " RED\theart ", "Red\u200bHeart"]).numpy()
    np.testing.assert_array_equal(tokens, tokens[:1].repeat(3, axis=0))


def test_words_and_vocabulary_are_kerashubs(tokenizer):
    """Ours are KerasHub's pieces for the texts as KerasHub splits them."""
    import keras_hub

    reference = keras_hub.tokenizers.WordPieceTokenizer(
        list(tokenizer.vocabulary), lowercase=True
    )
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS[:4])
    for text, pieces in zip(
        TEXTS[:4], dataset.map(reference.tokenize), strict=True
    ):
        row = tokenizer([text]).numpy()[0]
        ours = row[1 : row.argmax()]
        np.testing.assert_array_equal(ours, pieces.numpy()[: len(ours)])
        assert len(ours) == min(len(pieces), 10)


def test_same_ids_from_list_array_tensor_graph_and_map(tokenizer):
    expected = tokenizer(TEXTS).numpy()
    array = np.array(TEXTS, object)
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    graph = tf.function(tokenizer)
    for tokens in (
        tokenizer(array),
        tokenizer(tf.constant(TEXTS)),
        graph(tf.constant(TEXTS)),
        tf.concat(list(dataset.map(tokenizer)), axis=0),
    ):
        np.testing.assert_array_equal(tokens, expected)
    batches = dataset.batch(1, drop_remainder=True).unbatch()
    assert batches.map(tokenizer).element_spec.shape[-1] == 12


def test_saved_model_gives_the_same_ids_in_a_fresh_process(tokenizer, tmp_path):
    archive = keras.export.ExportArchive()
    archive.track(tokenizer)
    archive.add_endpoint(
        "tokens", tokenizer, [tf.TensorSpec([None], tf.string, name="texts")]
    )
    archive.write_out(str(tmp_path / "model"), verbose=False)
    script = (
        "import json, sys\n"
        "import tensorflow as tf\n"
        "import tensorflow_text\n"
        f"model = tf.saved_model.load({str(tmp_path / 'model')!r})\n"
        "texts = tf.constant(json.load(sys.stdin))\n"
        "print(json.dumps(model.tokens(texts).numpy().tolist()))\n"
        "assert 'keras_hub' not in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    tokens = json.loads(result.stdout.strip().splitlines()[-1])
    np.testing.assert_array_equal(tokens, tokenizer(TEXTS))


def test_save_and_load(tokenizer, tmp_path):
    folder = tmp_path / "made" / "here"
    tokenizer.save(str(folder))
    loaded = load_tokenizer(str(folder))
    assert isinstance(loaded, SubwordTokenizer)
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded.vocabulary_size == tokenizer.vocabulary_size
    np.testing.assert_array_equal(loaded(TEXTS), tokenizer(TEXTS))


def test_training_is_deterministic_and_fingerprints_tell_apart(tokenizer):
    # Order, repetition and grouping of captions do not matter.
    lines = [line for text in CORPUS for line in text.split("\n")]
    again = SubwordTokenizer.train(reversed(lines + lines), 400, 12)
    assert again.fingerprint == tokenizer.fingerprint
    others = [
        SubwordTokenizer.train(CORPUS, 400, context_length=13),
        SubwordTokenizer.train(CORPUS[:3], 400, context_length=12),
    ]
    assert tokenizer.fingerprint not in {o.fingerprint for o in others}


def test_small_vocabulary_size_is_kept():
    tokenizer = SubwordTokenizer.train(CORPUS, 100)
    assert tokenizer.vocabulary_size <= 100
    assert tokenizer.vocabulary[-1] == "[END]"


def test_mismatched_or_missing_files(tokenizer, tmp_path):
    folder = str(tmp_path)
    with pytest.raises(InputError, match="tokenizer.json' does not exist"):
        load_tokenizer(folder)
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
    config = pathlib.Path(folder, "tokenizer.json")
    config.write_text(json.dumps({"tokenizer": "bytes"}))
    with pytest.raises(InputError, match="'bytes' .* unknown: .*subword"):
        load_tokenizer(folder)
    config.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(folder)


def test_bad_arguments(tokenizer):
    with pytest.raises(InputError, match="no texts to learn"):
        SubwordTokenizer.train(["", "\n"], 100)
    with pytest.raises(InputError, match="no texts to learn"):
        SubwordTokenizer.train([], 100)
    with pytest.raises(InputError, match="context length 2 is too short"):
        SubwordTokenizer(tokenizer.vocabulary, 2)


def test_another_kind_can_be_registered(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "_KINDS", dict(text_module._KINDS))

    @register_tokenizer
    class LengthTokenizer(Tokenizer):
        kind = "length"
        vocabulary_size = 10
        fingerprint = "length"

        def _encode(self, texts):
            return tf.tile(tf.strings.length(texts)[:, None], [1, 3])

        def _write(self, folder):
            pass

        @classmethod
        def _read(cls, folder, config):
            return cls(config["context_length"])

    LengthTokenizer(3).save(str(tmp_path))
    tokens = load_tokenizer(str(tmp_path))(["ab", "abc"])
    assert tokens.numpy().tolist() == [[2, 2, 2], [3, 3, 3]]
