"""Untouched images as squares, for evaluation and for serving."""

import tensorflow as tf

from uniclip_keras.data.augmentation.crop import apply_crop
from uniclip_keras.data.augmentation.crop import checked_arguments
from uniclip_keras.data.augmentation.vector import BOX
from uniclip_keras.data.augmentation.vector import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

FITS = ("squash", "crop", "pad", "clip", "siglip")
# Those that cut something off: their vectors are not the identity.
CROPS = ("crop", "clip")


def evaluation_view(image, size, fit="squash"):
    """Makes a square of an image that is not augmented.

    | `fit` | the square | its vector |
    | --- | --- | --- |
    | `"squash"` | the whole image, stretched | `IDENTITY` |
    | `"crop"` | the largest square in the center | `IDENTITY` but for the box |
    | `"pad"` | the whole image between white margins | `IDENTITY` |
    | `"clip"` | as CLIP: resized, and then the center | as for `"crop"` |
    | `"siglip"` | as SigLIP: the whole image, stretched | `IDENTITY` |

    The first three resize bilinearly, and are the same of a square image. The
    last two are for weights of CLIP and SigLIP: they resize bicubically in 8
    bits, columns before rows, as Pillow does. A vector has no entry for
    margins: they count as part of the image, like the white that transparent
    pixels are blended with, and that image is whole.

    Args:
        image: `[H, W, 3]`, uint8 or floating point in [0, 1].
        size: Int. Pixels per side of the square.
        fit: One of `FITS`.

    Returns:
        `(view, vector)`: `[size, size, 3]` float32 in [0, 1], and the
        augmentation vector `[11]`.

    Raises:
        InputError: If `fit` is another one, or see `apply_crop`.
    """
    check_fit(fit)
    image, identity = checked_arguments(image, IDENTITY[None], size)
    if fit == "pad":
        return _padded(image, size), identity[0]
    vectors = identity
    if fit in CROPS:
        box = _center_square(tf.shape(image)[:2])
        vectors = tf.concat([box[None], identity[:, BOX.stop :]], axis=1)
    if fit in ("clip", "siglip"):
        return _bicubic(image, size, fit), vectors[0]
    # Exported models make this view, too, so it takes the plain operations
    # that every runtime has, whatever the size.
    return apply_crop(image, vectors, size)[0], vectors[0]


def check_fit(fit):
    """Raises `InputError` unless `fit` is one of `FITS`."""
    if fit not in FITS:
        raise InputError(
            f"The fit {fit!r} of images is not allowed{suggest(fit, FITS)}."
        )


def _center_square(shape):
    """`[4]`: top, left, height, width as fractions of an image."""
    side = tf.reduce_min(shape)
    pixels = tf.concat([(shape - side) // 2, [side, side]], axis=0)
    return tf.cast(pixels, tf.float32) / tf.cast(
        tf.tile(shape, [2]), tf.float32
    )


def _bicubic(image, size, fit):
    """Resizes as Pillow does, an axis at a time in 8 bits: columns first."""
    shape = tf.shape(image, tf.int64)[:2]
    resized = tf.constant([size, size], tf.int64)
    if fit == "clip":
        # Whole numbers: the longer side is cut off, not rounded.
        resized = size * shape // tf.reduce_min(shape)
    scale = tf.cast(resized, tf.float32) / tf.cast(shape, tf.float32)
    # Only the square in the center is computed.
    offset = -tf.cast((resized - size) // 2, tf.float32)
    pixels = tf.cast(image, tf.float32)
    if image.dtype != tf.uint8:
        pixels = tf.round(pixels * 255.0)
    # An image like a line has its rows resized first: all of them, as wide as
    # the square, would not fit in memory.
    first = tf.where(shape[0] > 16 * shape[1], [True, False], [False, True])
    for axis in (first, ~first):
        pixels = tf.raw_ops.ScaleAndTranslate(
            images=pixels[None],
            size=tf.where(axis, size, tf.shape(pixels)[:2]),
            scale=tf.where(axis, scale, 1.0),
            translation=tf.where(axis, offset, 0.0),
            kernel_type="keyscubic",
            antialias=True,
        )[0]
        pixels = tf.clip_by_value(tf.round(pixels), 0.0, 255.0)
    return tf.ensure_shape(pixels, [size, size, 3]) / 255.0


def _padded(image, size):
    white = 255 if image.dtype == tf.uint8 else 1.0
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = size / tf.reduce_max(shape)
    # The operation leaves zeros around the image: in its negative, white.
    negative = tf.raw_ops.ScaleAndTranslate(
        images=(white - image)[None],
        size=(size, size),
        scale=tf.stack([scale, scale]),
        translation=(size - scale * shape) / 2.0,
        kernel_type="triangle",
        antialias=True,
    )[0]
    return 1.0 - negative / float(white)
