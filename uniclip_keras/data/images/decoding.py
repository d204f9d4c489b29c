"""Encoded bytes to RGB, by rule."""

import tensorflow as tf

from uniclip_keras.errors import InputError

# Colour types of a PNG header that can carry transparency, as the byte at
# offset 25: palette, grey with alpha, RGB with alpha.
_PNG_ALPHA_TYPES = (b"\x03", b"\x04", b"\x06")

# The bit of a WebP header's flags, the byte at offset 20.
_WEBP_ANIMATION = 2

# What libjpeg can leave out of a JPEG while it decodes.
REDUCTIONS = (1, 2, 4, 8)


def decode_image(encoded, reduction=1):
    """Decodes PNG, JPEG, WebP, GIF or BMP to RGB.

    Grey and CMYK images become RGB, 16 bits become 8, transparency goes on
    white, and an animated GIF gives its first frame. An animated WebP counts
    as unreadable, because TensorFlow cannot take one frame of it.

    A JPEG can be decoded at a fraction of its size, which takes less time: it
    is stored as frequencies of blocks of 8 x 8 pixels, and the high ones are
    left out. Other formats come in full size.

    Args:
        encoded: Scalar string tensor.
        reduction: 1, 2, 4 or 8, an int or a scalar int tensor.

    Returns:
        uint8 `[height, width, 3]`; of a JPEG each side is divided by
        `reduction` and rounded up.

    Raises:
        InputError: `reduction` is an int, and none of the four.
        tf.errors.InvalidArgumentError: The bytes are no whole image.
    """
    if not tf.is_tensor(reduction) and reduction not in REDUCTIONS:
        raise InputError(
            f"reduction {reduction!r} is not what a JPEG can be decoded at; "
            f"give one of {', '.join(map(str, REDUCTIONS))}."
        )
    return tf.cond(
        tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff"),
        lambda: _decode_jpeg(encoded, reduction),
        lambda: _decode_other(encoded),
    )


def _decode_jpeg(encoded, reduction):
    # The accurate transform gives the pixels that Pillow and OpenCV give;
    # TensorFlow's default is off by up to 6 of 255 and gains 2 % of the time.
    def decode(ratio):
        return lambda: tf.io.decode_jpeg(
            encoded, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
        )

    if not tf.is_tensor(reduction):
        return decode(reduction)()
    return tf.case(
        [
            (tf.equal(reduction, ratio), decode(ratio))
            for ratio in REDUCTIONS[1:]
        ],
        default=decode(1),
    )


def _decode_other(encoded):
    png = tf.equal(tf.strings.substr(encoded, 0, 4), b"\x89PNG")
    colour_type = tf.strings.substr(encoded, 25, 1)
    png_alpha = png & tf.reduce_any(tf.equal(colour_type, _PNG_ALPHA_TYPES))
    # With alpha a WebP refuses to be read as three channels. An animated one
    # must go the opaque way, where it is refused: read with any number of
    # channels it makes TensorFlow corrupt memory.
    flags = tf.io.decode_raw(tf.strings.substr(encoded, 20, 1), tf.uint8)[0]
    animated = tf.equal(tf.strings.substr(encoded, 12, 4), b"VP8X") & (
        tf.bitwise.bitwise_and(flags, _WEBP_ANIMATION) != 0
    )
    webp = tf.equal(tf.strings.substr(encoded, 0, 4), b"RIFF") & ~animated

    def decode_png():
        return _on_white(tf.io.decode_png(encoded, channels=4))

    def decode_webp():
        image = tf.io.decode_image(encoded, expand_animations=False)
        return tf.cond(
            tf.shape(image)[-1] == 4, lambda: _on_white(image), lambda: image
        )

    def decode_opaque():
        return tf.io.decode_image(encoded, channels=3, expand_animations=False)

    image = tf.case(
        [(png_alpha, decode_png), (webp, decode_webp)], default=decode_opaque
    )
    return tf.ensure_shape(image, [None, None, 3])


def _on_white(rgba):
    rgb = tf.cast(rgba[..., :3], tf.int32)
    alpha = tf.cast(rgba[..., 3:], tf.int32)
    return tf.cast((rgb * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)
