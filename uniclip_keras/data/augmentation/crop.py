"""The geometric part of a view: crop, antialiased resize, flip."""

import tensorflow as tf

from uniclip_keras.data.augmentation.vector import BOX
from uniclip_keras.data.augmentation.vector import FLIP
from uniclip_keras.data.augmentation.vector import VECTOR_SIZE
from uniclip_keras.errors import InputError


def geometric(image, vectors, size):
    """Cuts the views of one image out of it, before any colour operation.

    Args:
        image: `[H, W, 3]`, uint8, or floating point in [0, 1]; H and W may
            be unknown while a graph is traced.
        vectors: augmentation vectors `[V, 11]`, V known while tracing. Only
            box and flip are used.
        size: int, pixels per side of a view.

    Returns:
        `[V, size, size, 3]` float32 in [0, 1] (up to rounding, 1e-6).

    Raises:
        InputError: if the image's type or rank, the vectors' shape or the
            size is none of the above.
    """
    image, vectors = checked_arguments(image, vectors, size)
    corners, extents = pixel_boxes(vectors[:, BOX], tf.shape(image)[:2])
    views = [
        resized_crop(image, corner, extent, flip, (size, size))
        for corner, extent, flip in zip(
            tf.unstack(corners),
            tf.unstack(extents),
            tf.unstack(vectors[:, FLIP] > 0.5),
            strict=True,
        )
    ]
    views = tf.stack(views)
    return views * (1.0 / 255.0) if image.dtype == tf.uint8 else views


def pixel_boxes(boxes, image_size):
    """The whole pixels that boxes in fractions stand for.

    A box of whole pixels survives division by the image's size, float32 and
    this rounding unchanged for images of up to a million pixels per side.
    Any other box goes to the nearest pixels, at least one and none outside.

    Args:
        boxes: `[V, 4]` float32: top, left, height, width as fractions.
        image_size: `[2]` int32: height and width of the image.

    Returns:
        `(corners, extents)`, each `[V, 2]` int32 in (y, x) order.
    """
    limits = tf.cast(image_size, tf.float32)
    pixels = tf.round(tf.reshape(boxes, [-1, 2, 2]) * limits)
    corners = tf.clip_by_value(pixels[:, 0], 0.0, limits - 1.0)
    extents = tf.clip_by_value(pixels[:, 1], 1.0, limits - corners)
    return tf.cast(corners, tf.int32), tf.cast(extents, tf.int32)


def resized_crop(image, corner, extent, flip, size):
    """Crop, resize (bilinear, antialiased), mirror left to right if asked.

    Args:
        image: `[H, W, 3]`, uint8 or float32.
        corner: `[2]` int32: top, left in pixels.
        extent: `[2]` int32: height, width in pixels.
        flip: scalar bool.
        size: `(height, width)` of the result, Python ints.

    Returns:
        `[*size, 3]` float32 in the value range of `image`.
    """
    # Slicing first keeps neighbours of the crop out of the antialiasing, as
    # torchvision does, and leaves the rest of a large photo unconverted.
    crop = tf.slice(
        image, tf.pad(corner, [[0, 1]]), tf.concat([extent, [3]], axis=0)
    )
    resized = tf.raw_ops.ScaleAndTranslate(
        images=crop[None],
        size=size,
        scale=tf.constant(size, tf.float32) / tf.cast(extent, tf.float32),
        translation=tf.zeros([2]),
        kernel_type="triangle",
        antialias=True,
    )[0]
    # The kernel has a fast path for three-channel images of rank 3, so that
    # this costs less than choosing between two whole batches.
    return tf.raw_ops.Reverse(
        tensor=resized, dims=tf.stack([False, flip, False])
    )


def checked_arguments(image, vectors, size):
    """The arguments of `geometric` as tensors, or its InputError."""
    image = _as_image(image)
    vectors = tf.convert_to_tensor(vectors, tf.float32)
    if vectors.shape.rank != 2 or None in vectors.shape.as_list():
        raise InputError(
            f"vectors of shape {vectors.shape} do not say how many views to "
            f"make; give [number of views, {VECTOR_SIZE}]."
        )
    if vectors.shape[1] != VECTOR_SIZE:
        raise InputError(
            f"augmentation vectors have {VECTOR_SIZE} entries, not "
            f"{vectors.shape[1]}; see augmentation.LAYOUT."
        )
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InputError(
            f"view size {size!r} is not a positive whole number of pixels; "
            "give one such as 224."
        )
    return image, vectors


def _as_image(image):
    image = tf.convert_to_tensor(image)
    if image.shape.rank != 3 or image.shape[2] not in (3, None):
        raise InputError(
            f"an image of shape {image.shape} cannot be augmented; give "
            "[height, width, 3]."
        )
    if image.dtype == tf.uint8:
        return image
    if image.dtype.is_floating:
        return tf.cast(image, tf.float32)
    raise InputError(
        f"an image of type {image.dtype.name} cannot be augmented; give "
        "uint8, or floating point in [0, 1]."
    )
