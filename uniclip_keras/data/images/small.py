"""Small images, decoded once to stay in memory."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.python_calls import thread_options

# Up to 48 KB of pixels. Reading the header of such an image and decoding it
# takes longer than cutting a view of it.
_MOST_PIXELS = 128 * 128
_THREADS = 4


@tf.autograph.experimental.do_not_convert
def decode_small(samples, max_pixels):
    """Decodes the small ones among samples that stay in memory.

    Args:
        samples: List of samples, see `Source.read`.
        max_pixels: Int. Images of more pixels are not decoded.

    Returns:
        The list with `shape` (height and width) in the samples whose `image`
        is now its pixels, the bytes of uint8 `[height, width, 3]`. Other
        images, and those that cannot be decoded, stay as they are.
    """
    encoded = np.array([sample["image"] for sample in samples], object)
    most_pixels = min(_MOST_PIXELS, max_pixels)

    def decode(index, encoded):
        shape = image_shape(encoded)
        is_small = shape[0] <= most_pixels // shape[1]
        image = tf.cond(
            is_small,
            lambda: decode_image(encoded),
            lambda: tf.zeros([0, 0, 3], tf.uint8),
        )
        return index, image

    images = tf.data.Dataset.from_tensor_slices(encoded).enumerate()
    images = images.map(decode, num_parallel_calls=_THREADS).ignore_errors()
    images = images.with_options(thread_options(_THREADS))
    found = list(samples)
    for index, image in images.as_numpy_iterator():
        if image.size:
            pixels = {"image": image.tobytes(), "shape": image.shape[:2]}
            found[index] = {**samples[index], **pixels}
    return found
