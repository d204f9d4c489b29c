"""Small images, decoded once to stay in memory."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.python_calls import thread_options

# Up to 48 KB of pixels. Reading the header of such an image and decoding it
# takes longer than cutting a view of it.
_LARGEST_SIDE = 128
_THREADS = 4


@tf.autograph.experimental.do_not_convert
def decode_small(samples, max_pixels):
    """Decodes the small ones among samples that stay in memory.

    Args:
        samples: List of samples, see `Source.read`.
        max_pixels: Int. Images of more pixels are not decoded.

    Returns:
        The list with `pixels`, uint8 `[height, width, 3]`, in place of the
        `image` of these samples, which is empty. Other images, and those that
        cannot be decoded, stay as they are.
    """
    encoded = np.array([sample["image"] for sample in samples], object)

    def decode(index, encoded):
        shape = image_shape(encoded)
        is_small = (tf.reduce_max(shape) <= _LARGEST_SIDE) & (
            shape[0] * shape[1] <= max_pixels
        )
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
            found[index] = {**samples[index], "image": b"", "pixels": image}
    return found


def stack_pixels(samples):
    """Returns the pixels of samples from `decode_small` in one array.

    Returns:
        `(pixels, shapes)`: uint8 `[n, H, W, 3]`, where each image fills the
        top left corner, and int32 `[n, 2]`, their heights and widths. Samples
        that are not decoded have none, and shape 0, 0.
    """
    none = np.zeros([0, 0, 3], np.uint8)
    images = [sample.get("pixels", none) for sample in samples]
    shapes = np.array([image.shape[:2] for image in images], np.int32)
    shapes = shapes.reshape([-1, 2])
    height, width = shapes.max(axis=0, initial=0)
    pixels = np.zeros([len(images), height, width, 3], np.uint8)
    for place, image in zip(pixels, images, strict=True):
        place[: image.shape[0], : image.shape[1]] = image
    return pixels, shapes
