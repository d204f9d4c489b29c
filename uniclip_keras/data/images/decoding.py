"""Encoded bytes to RGB pixels."""

import itertools

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.binary import own_function
from uniclip_keras.data.images.gif import decode_gif
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.images.orientation import read_orientation
from uniclip_keras.data.images.orientation import turn
from uniclip_keras.errors import InputError

# More than cameras make; such an image takes 200 MB of memory.
MAX_PIXELS = 2**26

# The factors by which libjpeg can shrink a JPEG while it decodes it.
REDUCTIONS = (1, 2, 4, 8)

# The PNG color types that can carry transparency, as the byte at offset 25:
# palette, gray with alpha, RGB with alpha.
_PNG_ALPHA_TYPES = (b"\x03", b"\x04", b"\x06")

# The animation bit of an extended WebP header's flags, the byte at offset 20.
_WEBP_ANIMATION = 2

# If none of this many images can be decoded, something else is wrong.
_FIRST_IMAGES = 100


def decode_image(encoded, reduction=1):
    """Decodes PNG, JPEG, WebP, GIF or BMP to RGB.

    Grayscale and CMYK images become RGB, 16 bits become 8, and transparent
    pixels are blended with white. A JPEG is turned as its EXIF says; an
    orientation in other formats is ignored. An animated GIF gives its first
    frame. An animated WebP is unreadable: TensorFlow cannot decode a single
    frame of it.

    A JPEG can be decoded at a fraction of its size in less time, as the high
    frequencies of its blocks are left out. Other formats come in full size.

    Args:
        encoded: Scalar string tensor.
        reduction: 1, 2, 4 or 8, an int or a scalar int tensor.

    Returns:
        uint8 `[height, width, 3]`. Each side of a JPEG is divided by
        `reduction` and rounded up.

    Raises:
        InputError: If `reduction` is an int other than these four.
        tf.errors.InvalidArgumentError: If the bytes are not a complete image.
    """
    if not tf.is_tensor(reduction) and reduction not in REDUCTIONS:
        raise InputError(
            f"reduction {reduction!r} is not allowed: give one of "
            f"{', '.join(map(str, REDUCTIONS))}."
        )
    image = tf.cond(
        tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff"),
        lambda: _decode_jpeg(encoded, reduction),
        lambda: _decode_other(encoded),
    )
    return tf.ensure_shape(image, [None, None, 3])


def decode_within(encoded, max_pixels=MAX_PIXELS, shape=None, reduction=1):
    """`decode_image`, unless the header claims too many pixels.

    Args:
        encoded: Scalar string tensor.
        max_pixels: Largest allowed height times width.
        shape: The image's `image_shape`, if the caller has read it already.
        reduction: See `decode_image`.

    Returns:
        `(problem, image)`: a kind of bad sample and a single pixel, or an
        empty string and the image.
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


def check_first_images(samples, max_pixels=MAX_PIXELS):
    """Raises `InputError` if none of the first 100 images can be decoded."""
    keys = []
    for sample in itertools.islice(samples, _FIRST_IMAGES):
        try:
            problem, _ = decode_within(tf.constant(sample["image"]), max_pixels)
            if not problem.numpy():
                return
        except tf.errors.OpError:
            pass
        keys.append(sample["key"])
    raise InputError(
        f"None of the first {len(keys)} images can be decoded, beginning with "
        f"'{keys[0]}': give PNG, JPEG, WebP, GIF or BMP of up to "
        f"{max_pixels:,} pixels."
    )


def _decode_jpeg(encoded, reduction):
    # The accurate transform gives the same pixels as Pillow and OpenCV.
    # TensorFlow's default differs by up to 6 of 255 and saves 2 % of the time.
    def decode(ratio):
        return lambda: tf.io.decode_jpeg(
            encoded, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
        )

    if not tf.is_tensor(reduction):
        image = decode(reduction)()
    else:
        cases = [(tf.equal(reduction, r), decode(r)) for r in REDUCTIONS[1:]]
        image = tf.case(cases, default=decode(1))
    return turn(image, read_orientation(encoded))


@own_function
def _decode_other(encoded):
    png = tf.equal(tf.strings.substr(encoded, 0, 4), b"\x89PNG")
    color_type = tf.strings.substr(encoded, 25, 1)
    png_alpha = png & tf.reduce_any(tf.equal(color_type, _PNG_ALPHA_TYPES))
    # A WebP with alpha cannot be decoded to three channels. An animated one
    # must take the opaque path, which refuses it: decoded to any other number
    # of channels, it makes TensorFlow corrupt memory.
    flags = tf.io.decode_raw(tf.strings.substr(encoded, 20, 1), tf.uint8)[0]
    animated = tf.equal(tf.strings.substr(encoded, 12, 4), b"VP8X") & (
        tf.bitwise.bitwise_and(flags, _WEBP_ANIMATION) != 0
    )
    webp = tf.equal(tf.strings.substr(encoded, 0, 4), b"RIFF") & ~animated

    def decode_png():
        return on_white(tf.io.decode_png(encoded, channels=4))

    def decode(channels=3):
        return tf.io.decode_image(encoded, channels, expand_animations=False)

    def decode_webp():
        image = decode(channels=0)
        alpha = tf.shape(image)[-1] == 4
        return tf.cond(alpha, lambda: on_white(image), lambda: image)

    gif = tf.equal(tf.strings.substr(encoded, 0, 4), b"GIF8")
    cases = [
        (png_alpha, decode_png),
        (webp, decode_webp),
        (gif, lambda: decode_gif(encoded)),
    ]
    image = tf.case(cases, default=decode)
    return tf.ensure_shape(image, [None, None, 3])


def on_white(rgba):
    rgb = tf.cast(rgba[..., :3], tf.int32)
    alpha = tf.cast(rgba[..., 3:], tf.int32)
    return tf.cast((rgb * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)
