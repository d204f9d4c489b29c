"""Crop, antialiased resize and flip, and how much of an image they need."""

import tensorflow as tf

from uniclip_keras.data.augmentation.vector import BOX
from uniclip_keras.data.augmentation.vector import FLIP
from uniclip_keras.data.augmentation.vector import VECTOR_SIZE
from uniclip_keras.errors import InputError


def apply_crop(image, vectors, size):
    """Cuts the views of one image out of it, before any color operation.

    Args:
        image: `[H, W, 3]`, uint8 or floating point in [0, 1]. H and W need
            not be static.
        vectors: Augmentation vectors `[V, 11]` of static shape. Only box and
            flip are used.
        size: Int. Pixels per side of a view.

    Returns:
        `[V, size, size, 3]` float32 in [0, 1] (up to rounding, 1e-6).

    Raises:
        InputError: If the image's type or rank, the shape of the vectors or
            the size is not as above.
    """
    image, vectors = checked_arguments(image, vectors, size)
    corners, extents = pixel_boxes(vectors[:, BOX], tf.shape(image)[:2])
    flips = vectors[:, FLIP] > 0.5
    cuts = zip(*map(tf.unstack, (corners, extents, flips)), strict=True)
    views = tf.stack([resized_crop(image, *c, (size, size)) for c in cuts])
    return views * (1.0 / 255.0) if image.dtype == tf.uint8 else views


def reduction(vectors, height, width, size):
    """The largest reduction of a JPEG that leaves every view its pixels.

    The reduced image (see `images.decoding.decode_image`) is then the source of
    the views. As the reduction follows from the vectors, they still rebuild
    them: `replay(decode_image(encoded, reduction(vectors, height, width,
    size)), vectors, size)`, with all vectors of the sample.

    Args:
        vectors: Augmentation vectors `[V, 11]` of one image.
        height: Int or scalar tensor. Height of the whole image in pixels.
        width: Int or scalar tensor. Width of the whole image in pixels.
        size: Int. Pixels per side of a view.

    Returns:
        Scalar int32, the largest of 1, 2, 4 and 8 at which each crop still
        covers `size * size` pixels.
    """
    boxes = tf.cast(vectors, tf.float32)[:, BOX]
    pixels = tf.cast(height, tf.float32) * tf.cast(width, tf.float32)
    smallest = tf.reduce_min(boxes[:, 2] * boxes[:, 3]) * pixels
    enough = smallest >= [4.0 * size**2, 16.0 * size**2, 64.0 * size**2]
    return 2 ** tf.reduce_sum(tf.cast(enough, tf.int32))


def pixel_boxes(boxes, image_size):
    """Boxes `[V, 4]` in fractions to `(corners, extents)` in whole pixels.

    A box of whole pixels survives the division by the image's size, float32
    and this rounding unchanged in images of up to a million pixels per side.
    Any other box is moved to the nearest pixels inside the image. Corners and
    extents are `[V, 2]` int32 in (y, x) order, and the image's size is `[2]`,
    or `[V, 2]` if each box has an image of its own.
    """
    limits = tf.reshape(tf.cast(image_size, tf.float32), [-1, 1, 2])
    pixels = tf.round(tf.reshape(boxes, [-1, 2, 2]) * limits)
    limits = limits[:, 0]
    corners = tf.clip_by_value(pixels[:, 0], 0.0, limits - 1.0)
    extents = tf.clip_by_value(pixels[:, 1], 1.0, limits - corners)
    return tf.cast(corners, tf.int32), tf.cast(extents, tf.int32)


def resized_crop(image, corner, extent, flip, size):
    """Crops, resizes (bilinear, antialiased) and flips one view.

    Args:
        image: `[H, W, 3]`, uint8 or float32.
        corner: `[2]` int32: top, left in pixels.
        extent: `[2]` int32: height, width in pixels.
        flip: Scalar bool. Whether to mirror the view left to right.
        size: `(height, width)` of the result, Python ints.

    Returns:
        `[*size, 3]` float32 in the value range of `image`.
    """
    # Slicing first keeps pixels around the crop out of the antialiasing, as
    # in torchvision, and leaves the rest of a large photo unconverted.
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
    # The kernel has a fast path for three-channel images of rank 3: this
    # costs less than choosing between two whole batches.
    dims = tf.stack([False, flip, False])
    return tf.raw_ops.Reverse(tensor=resized, dims=dims)


def checked_arguments(image, vectors, size):
    """Converts the arguments of `apply_crop` to tensors, or raises."""
    image = tf.convert_to_tensor(image)
    if image.shape.rank != 3 or image.shape[2] not in (3, None):
        raise InputError(
            f"An image of shape {image.shape} cannot be augmented: give "
            "[height, width, 3]."
        )
    if image.dtype.is_floating:
        image = tf.cast(image, tf.float32)
    elif image.dtype != tf.uint8:
        raise InputError(
            f"An image of type {image.dtype.name} cannot be augmented: give "
            "uint8, or floating point in [0, 1]."
        )
    vectors = tf.convert_to_tensor(vectors, tf.float32)
    if vectors.shape.rank != 2 or None in vectors.shape.as_list():
        raise InputError(
            f"Vectors of shape {vectors.shape} do not say how many views to "
            f"make: give [views, {VECTOR_SIZE}]."
        )
    if vectors.shape[1] != VECTOR_SIZE:
        raise InputError(
            f"Augmentation vectors have {VECTOR_SIZE} entries, not "
            f"{vectors.shape[1]}: see augmentation.LAYOUT."
        )
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InputError(
            f"The view size {size!r} is not allowed: give a whole number of "
            "pixels such as 224."
        )
    return image, vectors
