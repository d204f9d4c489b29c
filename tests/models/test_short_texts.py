"""Short texts without most of their padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras import models
from uniclip_keras.errors import InputError
from uniclip_keras.models import short_texts

CONTEXT, VOCABULARY = 12, 20


def make_encoder(pooling="mean"):
    return models.clip_text(VOCABULARY, CONTEXT, 8, 2, 2, pooling=pooling)


def make_tokens(lengths):
    """Texts of these lengths, the largest id at their end, padded by 0."""
    tokens = np.zeros((len(lengths), CONTEXT), "int32")
    rng = np.random.default_rng(0)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = rng.integers(1, VOCABULARY - 1, length)
        row[length - 1] = VOCABULARY - 1
    return tokens


@pytest.mark.parametrize("padding", [0, 1])
def test_lengths_keep_one_token_of_padding(padding):
    tokens = make_tokens([3, 12, 1, 11, 12])
    tokens[tokens == 0] = padding
    # The end of a text that fills the context is no padding.
    tokens[4, -1] = tokens[4, -2]
    found = short_texts.text_lengths(tf.constant(tokens))
    np.testing.assert_array_equal(found, [4, 12, 2, 12, 11])


@pytest.mark.parametrize(
    ("pooling", "rows"), [("mean", 3), ("end", 9), ("mean", None)]
)
def test_features_and_gradients_equal_those_with_padding(pooling, rows):
    lengths = np.random.default_rng(1).integers(2, CONTEXT + 1, rows or 9)
    tokens, encoder = make_tokens(lengths), make_encoder(pooling)
    upstream = np.random.default_rng(2).standard_normal((len(tokens), 8))
    spec = tf.TensorSpec([rows, CONTEXT], tf.int32)

    def make(cut):
        @tf.function(input_signature=[spec], autograph=False)
        def run(tokens):
            with tf.GradientTape() as tape:
                z = short_texts.features_of_texts(encoder, tokens, cut, True)
                total = tf.reduce_sum(z * tf.constant(upstream, tf.float32))
            weights = [w.value for w in encoder.trainable_weights]
            return z, tape.gradient(total, weights)

        return run

    expected, slow = make(())(tokens)
    found, fast = make((8, 4))(tokens)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for one, other in zip(fast, slow, strict=True):
        other = tf.convert_to_tensor(other).numpy()
        scale = max(1.0, np.abs(other).max())
        one = tf.convert_to_tensor(one)
        np.testing.assert_allclose(one, other, atol=1e-6 * scale)


def test_texts_are_cut(monkeypatch):
    encoder, seen = make_encoder(), []
    call = encoder.call

    def counted(tokens, **options):
        seen.append(tokens.shape)
        return call(tokens, **options)

    monkeypatch.setattr(encoder, "call", counted)
    tf.config.run_functions_eagerly(True)
    try:
        tokens = make_tokens([2, 3, 12, 2, 5, 2, 3, 3])
        short_texts.features_of_texts(encoder, tokens, (4, 8), True)
    finally:
        tf.config.run_functions_eagerly(False)
    assert seen == [(2, 4), (2, 4), (2, 4), (2, 12)]


def test_model_trains_and_survives_a_file(tmp_path):
    def make(lengths):
        return tiny.make_model(make_text=make_encoder, text_lengths=lengths)

    batch = tiny.make_batch(8)
    batch["tokens"] = make_tokens([2, 3, 12, 2, 5, 2, 3, 3])
    one, other = make((4, 8)), make(())
    np.testing.assert_allclose(
        one(batch)["text"], other(batch)["text"], atol=1e-6
    )
    loss = tiny.fit_one(one, batch)
    assert loss == pytest.approx(tiny.fit_one(other, batch), rel=1e-5)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    one.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.text_lengths == (4, 8)


def test_lengths_that_cannot_be_cut_are_refused():
    with pytest.raises(InputError, match="12 is not allowed; give whole"):
        short_texts.check_text_lengths(make_encoder(), (4, 12))
    # The mean over all tokens, padding among them.
    mean = tiny.make_text_encoder()
    with pytest.raises(InputError, match="change by .* padding is cut off"):
        short_texts.check_text_lengths(mean, (4,))
    flat = keras.Sequential(
        [
            keras.Input((CONTEXT,), dtype="int32"),
            keras.layers.Embedding(VOCABULARY, 4),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    with pytest.raises(InputError, match="takes no texts of 4 tokens"):
        short_texts.check_text_lengths(flat, (4,))
