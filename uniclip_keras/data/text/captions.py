"""The texts of each sample in a batch: which lines, in which template."""

import tensorflow as tf

from uniclip_keras.errors import InputError


def draw_captions(texts, seed, count=1):
    """Draws lines of each text.

    Args:
        texts: `[B]` strings of one or several lines.
        seed: `[2]` integers; the same seed draws the same lines.
        count: Lines per text, K: different ones as long as a text has as
            many, else all of its lines in turn.

    Returns:
        Strings, `[B]` for one line, `[B, K]` for several.

    Raises:
        InputError: The count is no whole number of at least 1.
    """
    if not isinstance(count, int) or count < 1:
        raise InputError(
            f"{count!r} captions per image cannot be drawn: give a whole "
            "number of at least 1."
        )
    lines = tf.strings.split(texts, "\n")
    if count == 1:
        drawn = tf.gather(lines.values, _one_place(lines, seed))
        return tf.ensure_shape(drawn, texts.shape)
    drawn = tf.gather(lines.values, _places(lines, seed, count))
    return tf.ensure_shape(drawn, [*texts.shape, count])


def _one_place(lines, seed):
    """A place among the values for each row: `[B]`."""
    counts = lines.row_lengths()
    uniform = tf.random.stateless_uniform(tf.shape(counts), seed, alg="philox")
    chosen = tf.cast(uniform * tf.cast(counts, tf.float32), tf.int64)
    # Rounding can take a number just below 1 up to the count itself.
    return lines.row_starts() + tf.minimum(chosen, counts - 1)


def _places(lines, seed, count):
    """Places among the values, different within a row: `[B, count]`."""
    uniform = tf.random.stateless_uniform(
        tf.shape(lines.values), seed, alg="philox"
    )
    # Rows stay where they are, and each has its lines in random order: the
    # sum is exact, so that no line is rounded into the next row.
    rows = tf.cast(lines.value_rowids(), tf.float64)
    shuffled = tf.argsort(rows + tf.cast(uniform, tf.float64), stable=True)
    turns = tf.range(count, dtype=tf.int64) % lines.row_lengths()[:, None]
    return tf.gather(shuffled, lines.row_starts()[:, None] + turns)


def fill_templates(texts, is_name, templates, seed):
    """Puts each class name into a template of its own (UniCL, section 3.1).

    Args:
        texts: `[B]` or `[B, K]` strings of one line; each of K has a template
            of its own.
        is_name: `[B]` or `[B, 1]` bool, whether the text is a class name;
            captions stay as they are.
        templates: What `prompt_templates` returns.
        seed: `[2]` integers; the same seed draws the same templates.

    Returns:
        Strings, of the shape of `texts`.
    """
    heads, tails = zip(*(t.split("{}") for t in templates), strict=True)
    chosen = tf.random.stateless_uniform(
        tf.shape(texts), seed, 0, len(templates), tf.int32, alg="philox"
    )
    filled = tf.strings.join(
        [tf.gather(heads, chosen), texts, tf.gather(tails, chosen)]
    )
    return tf.where(is_name, filled, texts)
