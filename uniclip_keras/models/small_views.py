"""Views after the first at a lower resolution, which costs a fraction.

The image encoder takes both sizes with the same weights. The first view keeps
the size of the encoder, which is also that of evaluation. So moving statistics
follow the first views alone: convolutions see other means and variances in
small images, and each batch of them is normalized by its own.
"""

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers.grid import resize_by_area
from uniclip_keras.models.shapes import to_unit


def features_of_views(encoder, views, size, training):
    """Computes features `[b, v, width]` of views `[b, v, h, w, 3]`.

    Args:
        size: int or None. Pixels per side of the views after the first.
    """
    count = views.shape[1]
    if size is None or count == 1:
        # One call for all views.
        features = encoder(_merged(views), training=training)
        return tf.reshape(features, [-1, count, features.shape[1]])
    first = encoder(_merged(views[:, :1]), training=training)
    small = resize_by_area(_merged(views[:, 1:]), size)
    statistics = _statistics(encoder) if training else []
    # `call`, because `__call__` of a functional model takes one size only.
    others = encoder.call(small, training=training)
    for variable, value in statistics:
        variable.assign(value)
    others = tf.reshape(others, [-1, count - 1, others.shape[1]])
    return tf.concat([first[:, None], others], axis=1)


def with_reduction(augmentations, full, size):
    """Appends to vectors `[b, v, 11]` the share of the side that was lost."""
    views = augmentations.shape[1]
    lost = np.full([views, 1], 1 - size / full, np.float32)
    lost[0] = 0.0
    lost = tf.tile(lost[None], [tf.shape(augmentations)[0], 1, 1])
    return tf.concat([augmentations, tf.cast(lost, augmentations.dtype)], -1)


def check_view_size(encoder, size):
    """Raises `InputError` unless the encoder takes images of this size."""
    full = encoder.input_shape[1]
    if not 1 <= size < full:
        raise InputError(
            f"view_size={size!r} must be less than the {full} pixels of the "
            "image encoder, or None for views of its size."
        )
    try:
        found = encoder.call(keras.KerasTensor((None, size, size, 3))).shape
    except (ValueError, TypeError) as error:
        raise InputError(
            f"the image encoder {encoder.name!r} takes no images of "
            f"view_size={size}: {error}. Give a size that it takes, or None."
        ) from error
    if found[1:] != encoder.output_shape[1:]:
        raise InputError(
            f"the image encoder {encoder.name!r} returns {found} for images of "
            f"view_size={size} and {encoder.output_shape} for its own size; "
            "give an encoder whose features do not depend on it."
        )


def _statistics(encoder):
    """Returns pairs of a moving statistic and its value.

    Weights of frozen layers and states of random generators, which are
    integers, are not among them.
    """
    return [
        (variable, tf.convert_to_tensor(variable.value))
        for layer in encoder._flatten_layers()
        if layer.trainable and not layer._layers
        for variable in layer.non_trainable_variables
        if keras.backend.is_float_dtype(variable.dtype)
    ]


def _merged(views):
    return to_unit(tf.reshape(views, [-1, *views.shape[2:]]))
