"""`resized_crop` for large views: resizing by sparse matrices.

A bilinear, antialiased resize weights a few neighbors, the same ones in every
column and then in every row: two products with a sparse matrix. The products
run over whole rows of the image, TensorFlow's own kernel over single pixels.
"""

import tensorflow as tf


def resized_columns(image, corner, extent, flip, size):
    """Makes the view of `crop.resized_crop`, in [0, 1] and *by columns*.

    The result is `[size, 3, size]` float32: column by channel by row.
    """
    crop = tf.slice(
        image, tf.pad(corner, [[0, 1]]), tf.concat([extent, [3]], axis=0)
    )
    height, width = extent[0], extent[1]
    rows = tf.reshape(tf.cast(crop, tf.float32), [height, width * 3])
    rows = _product(_taps(height, size), rows, [size, width, 3])
    columns = tf.reshape(tf.transpose(rows, [1, 2, 0]), [width, 3 * size])
    indices, weights = _taps(width, size)
    if image.dtype == tf.uint8:
        weights *= 1.0 / 255.0
    # Reversing the order of the columns mirrors the view.
    taps = [
        tf.where(flip, tensor[::-1], tensor) for tensor in (indices, weights)
    ]
    return _product(taps, columns, [size, 3, size])


def from_columns(columns):
    """Converts a view by columns to `[size, size, 3]`."""
    return tf.transpose(columns, [2, 0, 1])


def _taps(length, size):
    """Each output pixel's K neighbors and their weights, both `[size, K]`.

    Distances are whole multiples of 1 / (2 size) input pixels. Integers hold
    them exactly, so rounding of positions affects no weight.
    """
    length = tf.cast(length, tf.int64)
    # The triangle reaches one pixel of the coarser grid to either side.
    reach = 2 * tf.maximum(length, size)
    centers = (2 * tf.range(size, dtype=tf.int64)[:, None] + 1) * length
    first = (centers - size - reach) // (2 * size) + 1
    indices = first + tf.range((reach + size - 1) // size)
    distances = tf.abs((2 * indices + 1) * size - centers)
    weights = tf.cast(reach - distances, tf.float32)
    inside = (indices >= 0) & (indices < length)
    weights = tf.where(inside, tf.nn.relu(weights), 0.0)
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.clip_by_value(indices, 0, length - 1), weights


def _product(taps, dense, shape):
    """Multiplies the taps' sparse matrix by `dense` and reshapes."""
    indices, weights = taps
    size, count = tf.unstack(tf.shape(indices, tf.int64))
    rows = tf.repeat(tf.range(size), count)
    matrix = tf.raw_ops.SparseTensorToCSRSparseMatrix(
        indices=tf.stack([rows, tf.reshape(indices, [-1])], axis=1),
        values=tf.reshape(weights, [-1]),
        dense_shape=tf.stack([size, tf.shape(dense, tf.int64)[0]]),
    )
    return tf.reshape(tf.raw_ops.SparseMatrixMatMul(a=matrix, b=dense), shape)
