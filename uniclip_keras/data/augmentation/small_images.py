"""Crops of many small images in one call: resizing by dense matrices.

TensorFlow's own kernel resizes one crop at a time, and its overhead exceeds
what small images take. Here each view has a matrix for its rows and one for
its columns, which crop, resize and mirror, and all views are two products.
"""

import tensorflow as tf

from uniclip_keras.data.augmentation.crop import pixel_boxes
from uniclip_keras.data.augmentation.vector import BOX
from uniclip_keras.data.augmentation.vector import FLIP


def crop_small_images(images, shapes, vectors, size):
    """Makes the views of `apply_crop` for many images, equal up to rounding.

    Args:
        images: `[n, H, W, 3]` uint8. An image fills the top left corner; what
            lies outside it is not used.
        shapes: `[n, 2]` int32. The images' own heights and widths.
        vectors: Augmentation vectors `[n, V, 11]`, V static.
        size: Int. Pixels per side of a view.

    Returns:
        `[n, V, size, size, 3]` float32 in [0, 1] (up to rounding, 1e-6).
    """
    views = vectors.shape[1]
    count, height, width = tf.unstack(tf.shape(images)[:3])
    boxes = tf.reshape(vectors[:, :, BOX], [-1, 4])
    corners, extents = pixel_boxes(boxes, tf.repeat(shapes, views, axis=0))
    flips = tf.reshape(vectors[:, :, FLIP] > 0.5, [-1])

    rows = _matrices(corners[:, 0], extents[:, 0], height, size)
    columns = _matrices(corners[:, 1], extents[:, 1], width, size)
    columns = tf.where(flips[:, None, None], columns[:, ::-1], columns)
    # All views of an image share a product.
    rows = tf.reshape(rows, [count, views * size, height])
    pixels = tf.reshape(tf.cast(images, tf.float32), [count, height, width * 3])
    resized = tf.reshape(rows @ pixels, [count * views, size, width, 3])
    # Channels before columns, because a product sums over what is last.
    resized = tf.reshape(
        tf.transpose(resized, [0, 1, 3, 2]), [count * views, size * 3, width]
    )
    resized = tf.matmul(resized, columns / 255.0, transpose_b=True)
    resized = tf.reshape(resized, [count, views, size, 3, size])
    return tf.transpose(resized, [0, 1, 2, 4, 3])


def _matrices(corner, extent, length, size):
    """`[m, size, length]`: each output pixel's weights of input pixels.

    Bilinear and antialiased. Distances are whole multiples of 1 / (2 size)
    input pixels, which float32 holds exactly.
    """
    corner, extent = (
        tf.cast(values, tf.float32)[:, None, None]
        for values in (corner, extent)
    )
    outputs = tf.range(size, dtype=tf.float32)[:, None]
    inputs = tf.range(tf.cast(length, tf.float32))
    centers = (2.0 * outputs + 1.0) * extent + 2.0 * size * corner
    distances = tf.abs((2.0 * inputs + 1.0) * size - centers)
    # The triangle reaches one pixel of the coarser grid to either side.
    reach = 2.0 * tf.maximum(extent, float(size))
    inside = (inputs >= corner) & (inputs < corner + extent)
    weights = tf.nn.relu(reach - distances) * tf.cast(inside, tf.float32)
    return weights / tf.reduce_sum(weights, axis=2, keepdims=True)
