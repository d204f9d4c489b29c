"""Draws captions: which lines of each text a batch uses."""

import tensorflow as tf

from uniclip_keras.errors import InputError


def draw_captions(texts, seed, count=1):
    """Draws lines of each text.

    Args:
        texts: `[B]` strings of one or more lines.
        seed: `[2]` integers. The same seed draws the same lines.
        count: Int. Lines per text, K: different ones if the text has as many,
            otherwise all of its lines in turn.

    Returns:
        Strings, `[B]` for one line, `[B, K]` for several.

    Raises:
        InputError: If the count is not a whole number of at least 1.
    """
    if not isinstance(count, int) or count < 1:
        raise InputError(
            f"{count!r} captions per image cannot be drawn: give 1 or more."
        )
    lines = tf.strings.split(texts, "\n")
    if count == 1:
        indices, shape = _one_index(lines, seed), texts.shape
    else:
        indices = _indices(lines, seed, count)
        shape = [*texts.shape, count]
    return tf.ensure_shape(tf.gather(lines.values, indices), shape)


def _one_index(lines, seed):
    """The index of one of the values for each row: `[B]`."""
    counts = lines.row_lengths()
    uniform = tf.random.stateless_uniform(tf.shape(counts), seed, alg="philox")
    chosen = tf.cast(uniform * tf.cast(counts, tf.float32), tf.int64)
    # Rounding can take a number just below 1 up to the count itself.
    return lines.row_starts() + tf.minimum(chosen, counts - 1)


def _indices(lines, seed, count):
    """Indices of the values, different within a row: `[B, count]`."""
    uniform = tf.random.stateless_uniform(
        tf.shape(lines.values), seed, alg="philox"
    )
    # Sorting by row + uniform shuffles the lines within each row. The sum is
    # exact in float64, so rounding moves no line into the next row.
    rows = tf.cast(lines.value_rowids(), tf.float64)
    shuffled = tf.argsort(rows + tf.cast(uniform, tf.float64), stable=True)
    turns = tf.range(count, dtype=tf.int64) % lines.row_lengths()[:, None]
    return tf.gather(shuffled, lines.row_starts()[:, None] + turns)
