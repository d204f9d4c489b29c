"""Images so large that decoding them would take the memory of a run."""

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape

# 200 MB in memory, more than cameras make.
MAX_PIXELS = 2**26


def decode_within(encoded, max_pixels=MAX_PIXELS, shape=None, reduction=1):
    """Decodes an image whose header promises no more than so many pixels.

    Args:
        encoded: Scalar string tensor.
        max_pixels: Largest height times width.
        shape: What `image_shape` says, if it was asked before.
        reduction: See `decode_image`.

    Returns:
        `(problem, image)`: a kind of bad sample, empty for a good one, and
        uint8 `[height, width, 3]`, a single pixel where there is a problem.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no whole image.
    """
    shape = image_shape(encoded) if shape is None else shape
    too_large = tf.reduce_prod(tf.cast(shape, tf.int64)) > max_pixels
    image = tf.cond(
        too_large,
        lambda: tf.zeros([1, 1, 3], tf.uint8),
        lambda: decode_image(encoded, reduction),
    )
    problem = tf.where(too_large, bad.OVERSIZE_IMAGE, "")
    return problem, tf.ensure_shape(image, [None, None, 3])
