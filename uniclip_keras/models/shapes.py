"""The shapes that a model takes: views, tokens and encoders."""

import tensorflow as tf

from uniclip_keras.errors import InputError


def to_unit(images):
    """Converts images to float32 in [0, 1]; uint8 is divided by 255."""
    scale = 255.0 if images.dtype == tf.uint8 else 1.0
    return tf.cast(images, tf.float32) / scale


def merge_views(x):
    """`[b, v, width]` -> `[b * v, width]`; `[b, width]` is unchanged."""
    return tf.reshape(x, [-1, x.shape[-1]])


def texts_per_item(tokens):
    """Returns k for tokens `[b, k, length]` and 1 for `[b, length]`.

    Raises:
        InputError: For tokens of another shape.
    """
    shape = tokens.shape
    if len(shape) == 2:
        return 1
    if len(shape) == 3 and shape[1]:
        return shape[1]
    raise InputError(
        f"tokens have shape {shape}; give [batch, length], or "
        "[batch, k, length] for k texts per item, k known and at least 1."
    )


def feature_shape(encoder, domain):
    """Returns the output shape of an encoder.

    Raises:
        InputError: If it is not `[batch, width]`.
    """
    shape = getattr(encoder, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
        raise InputError(
            f"the {domain} encoder {getattr(encoder, 'name', encoder)!r} has "
            f"output shape {shape}; give one that returns [batch, width], see "
            "uniclip_keras.models.from_backbone."
        )
    return shape
