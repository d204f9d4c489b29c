"""How much smaller a photograph may be decoded for the views cut from it."""

import tensorflow as tf

from uniclip_keras.data.augmentation.vector import BOX


def reduction(vectors, height, width, size):
    """The largest reduction that leaves every view its pixels.

    A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, in less time (see
    `images.decode_image`). The source image of a sample is then the reduced
    one. It follows from the vectors, so that they still rebuild the views:
    `replay(decode_image(encoded, reduction(vectors, height, width, size)),
    vectors, size)`, with all vectors of the sample and `height, width =
    image_shape(encoded)`.

    Args:
        vectors: augmentation vectors `[V, 11]` of one image.
        height: height of the whole image in pixels, int or scalar tensor.
        width: the same for the width.
        size: int, pixels per side of a view.

    Returns:
        Scalar int32, 1, 2, 4 or 8: the most at which each crop still covers
        `size * size` pixels.
    """
    boxes = tf.cast(vectors, tf.float32)[:, BOX]
    pixels = tf.cast(height, tf.float32) * tf.cast(width, tf.float32)
    smallest = tf.reduce_min(boxes[:, 2] * boxes[:, 3]) * pixels
    enough = smallest >= [4.0 * size**2, 16.0 * size**2, 64.0 * size**2]
    return 2 ** tf.reduce_sum(tf.cast(enough, tf.int32))
