"""The size of an encoded image, read from its header."""

import functools

import tensorflow as tf

from uniclip_keras.data.images import binary
from uniclip_keras.data.images.gif import gif_shape
from uniclip_keras.data.images.orientation import read_orientation
from uniclip_keras.data.images.orientation import swaps_sides

# This many bytes contain the size in every format but JPEG and GIF, where it
# may be anywhere. No complete image in another format is shorter.
_HEAD = 30


def image_shape(encoded):
    """Reads the height and width of a JPEG, PNG, GIF, WebP or BMP.

    Nothing is decoded, so an image can be refused before it takes memory. The
    shape is that of what `decoding.decode_image` returns: a JPEG is turned as
    its EXIF says, and a GIF is its screen, enlarged where the first frame
    exceeds it.

    Args:
        encoded: Scalar string tensor.

    Returns:
        int32 `[2]`: height and width in pixels, each at least 1.

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are in none of these
            formats, end within the header, or give a side that is not a
            positive int32.
    """
    head = binary.read(encoded, 0, 4)
    shape = tf.case(
        [
            (
                binary.has(head, 0, b"\xff\xd8\xff"),
                lambda: _jpeg_shape(encoded),
            ),
            (binary.has(head, 0, b"GIF8"), lambda: gif_shape(encoded)),
        ],
        default=lambda: _other_shape(encoded),
    )
    message = "No complete JPEG, PNG, GIF, WebP or BMP header."
    is_size = tf.debugging.Assert(tf.reduce_all(shape > 0), [message])
    with tf.control_dependencies([is_size]):
        return tf.identity(shape)


def _jpeg_shape(encoded):
    stored = tf.io.extract_jpeg_shape(encoded)[:2]
    swapped = swaps_sides(read_orientation(encoded))
    return tf.where(swapped, stored[::-1], stored)


@binary.own_function
def _other_shape(encoded):
    """The shape, or zeros if the format is unknown."""
    head = binary.read(encoded, 0, _HEAD)
    has, big, little = (
        functools.partial(read, head)
        for read in (binary.has, binary.big_endian, binary.little_endian)
    )
    webp = has(0, b"RIFF") & has(8, b"WEBP")
    lossy = webp & has(12, b"VP8 ") & has(23, b"\x9d\x01\x2a")
    lossless = webp & has(12, b"VP8L") & has(20, b"\x2f")
    packed = little(21, 4)
    png = has(0, b"\x89PNG\r\n\x1a\n") & has(12, b"IHDR")
    shapes = [  # matches, height, width
        (png, big(20, 4), big(16, 4)),
        # A negative height means that rows run from top to bottom.
        (has(0, b"BM"), tf.abs(little(22, 4)), little(18, 4)),
        (lossy, _low_bits(little(28, 2)), _low_bits(little(26, 2))),
        (lossless, 1 + _low_bits(packed // 2**14), 1 + _low_bits(packed)),
        (webp & has(12, b"VP8X"), 1 + little(27, 3), 1 + little(24, 3)),
    ]
    matches, heights, widths = zip(*shapes, strict=True)
    complete = tf.strings.length(encoded) >= _HEAD
    known = tf.cast(tf.stack(matches) & complete, tf.int32)
    return tf.linalg.matvec(tf.stack([heights, widths]), known)


def _low_bits(number):
    """The lowest fourteen bits."""
    return tf.bitwise.bitwise_and(number, 0x3FFF)
