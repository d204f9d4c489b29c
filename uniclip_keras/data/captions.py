"""The text of each sample in a batch: which of its lines, in which template."""

import tensorflow as tf

from uniclip_keras.errors import InputError

_PLACE = "{}"


def draw_captions(texts, seed):
    """Draws one line of each text.

    Args:
        texts: `[B]` strings of one or several lines.
        seed: `[2]` integers; the same seed draws the same lines.

    Returns:
        `[B]` strings.
    """
    lines = tf.strings.split(texts, "\n")
    count = lines.row_lengths()
    uniform = tf.random.stateless_uniform(tf.shape(count), seed, alg="philox")
    chosen = tf.cast(uniform * tf.cast(count, tf.float32), tf.int64)
    # Rounding can take a number just below 1 up to the count itself.
    chosen = tf.minimum(chosen, count - 1)
    drawn = tf.gather(lines.values, lines.row_starts() + chosen)
    return tf.ensure_shape(drawn, texts.shape)


def fill_templates(texts, is_name, templates, seed):
    """Puts each class name into a template of its own (UniCL, section 3.1).

    Args:
        texts: `[B]` strings of one line.
        is_name: `[B]` bool, whether the text is a class name; captions stay
            as they are.
        templates: What `check_templates` lets pass.
        seed: `[2]` integers; the same seed draws the same templates.

    Returns:
        `[B]` strings.
    """
    heads, tails = zip(*(t.split(_PLACE) for t in templates), strict=True)
    chosen = tf.random.stateless_uniform(
        tf.shape(texts), seed, 0, len(templates), tf.int32, alg="philox"
    )
    filled = tf.strings.join(
        [tf.gather(heads, chosen), texts, tf.gather(tails, chosen)]
    )
    return tf.where(is_name, filled, texts)


def check_templates(templates):
    """Prompt templates, each with one `{}` where the class name goes.

    Returns:
        A tuple of strings.

    Raises:
        InputError: No template, or one without exactly one `{}`.
    """
    if isinstance(templates, str) or not len(templates):
        raise InputError(
            f"The prompt templates {templates!r} are no list of at least one: "
            "give one such as ['{}', 'a photo of a {}']."
        )
    for template in templates:
        if not isinstance(template, str) or template.count(_PLACE) != 1:
            raise InputError(
                f"The prompt template {template!r} does not have exactly one "
                "'{}': put one where the class name goes."
            )
    return tuple(templates)
