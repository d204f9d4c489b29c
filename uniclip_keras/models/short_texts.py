"""Short texts at less cost than the context length.

Padding costs a text encoder as much as words do. Here the texts of a batch are
sorted by length and embedded in a few groups, each cut to the shortest allowed
length that holds it. All shapes are static, as TPUs need them.
"""

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras.errors import InputError

# Groups of a batch. More cut closer, and cost more small operations.
GROUPS = 4
# Of features with and without padding, to the size of the features.
TOLERANCE = 1e-3


def features_of_texts(encoder, tokens, lengths, training):
    """Computes `encoder(tokens)`, short texts without most of their padding.

    Args:
        encoder: Text encoder whose features do not depend on padding.
        tokens: int tensor `[n, length]`.
        lengths: Lengths less than the context's to cut texts to.
    """
    if not lengths:
        return encoder(tokens, training=training)
    order = tf.argsort(text_lengths(tokens), stable=True)
    ordered = tf.gather(tokens, order)
    cut = _cut_encoder(encoder, (*sorted(lengths), tokens.shape[1]), training)
    features = tf.concat([cut(rows) for rows in _groups(ordered)], axis=0)
    return tf.gather(features, tf.argsort(order))


def _groups(tokens):
    rows = tokens.shape[0]
    if rows is None or rows < GROUPS:
        return [tokens]
    sizes = [len(part) for part in np.array_split(np.arange(rows), GROUPS)]
    return tf.split(tokens, sizes)


def text_lengths(tokens):
    """Returns int32 `[n]`: where a text may end, its padding cut off.

    Padding is a run of one token at the end, of which one is kept: what the
    token is, does not matter.
    """
    differs = tf.cast(tokens != tokens[:, -1:], tf.int32)
    last = tf.reduce_max(differs * tf.range(1, tokens.shape[1] + 1), axis=1)
    return tf.minimum(last + 1, tokens.shape[1])


def _cut_encoder(encoder, lengths, training):
    """Returns a function that embeds texts at the length that they need."""

    def embed_at(length):
        # Traced once, however many groups call it. `call`, because `__call__`
        # of a functional model takes one length only.
        @tf.function(autograph=False)
        def embed(tokens):
            return encoder.call(tokens[:, :length], training=training)

        return embed

    branches = [embed_at(length) for length in lengths]

    def embed(tokens):
        longest = tf.reduce_max(text_lengths(tokens))
        chosen = tf.reduce_sum(tf.cast(longest > lengths, tf.int32))
        return tf.switch_case(
            chosen, [lambda f=branch: f(tokens) for branch in branches]
        )

    return embed


def check_text_lengths(encoder, lengths):
    """Raises `InputError` unless the encoder takes texts of these lengths.

    Its features must not depend on the padding that is cut.
    """
    if not lengths:
        return
    check_lengths(lengths, encoder.input_shape[1])
    for length in lengths:
        # Tokenizers pad with id 0, few with 1.
        change = min(_change(encoder, length, padding) for padding in (0, 1))
        if not change <= TOLERANCE:
            raise InputError(
                f"text_lengths={tuple(lengths)}: features of the text encoder "
                f"{encoder.name!r} change by {change:.2g} of their size when "
                "padding is cut off; give an encoder that ignores padding, or "
                "no lengths."
            )


def check_lengths(lengths, context):
    """Raises `InputError` unless lengths are whole and less than `context`."""
    for length in lengths:
        if not isinstance(length, int) or not 2 <= length < context:
            raise InputError(
                f"text_lengths={tuple(lengths)}: {length!r} is not allowed; "
                f"give whole numbers from 2 to {context - 1}, less than the "
                f"context of {context} tokens, or none."
            )


def _change(encoder, length, padding):
    """How much the features of a text change with its padding cut off."""
    tokens = np.full((1, encoder.input_shape[1]), padding, "int32")
    # The largest id last, as an end token.
    tokens[0, : length - 1] = 2
    tokens[0, length - 2] = 3
    whole = np.asarray(encoder(tokens))
    try:
        cut = encoder.call(keras.ops.convert_to_tensor(tokens[:, :length]))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"the text encoder {encoder.name!r} takes no texts of {length} "
            f"tokens: {error}. Give text_lengths that it takes, or none."
        ) from error
    return np.abs(whole - cut).max() / np.abs(whole).max()
