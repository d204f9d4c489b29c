"""The size of an encoded image, read from its header."""

import functools

import tensorflow as tf

# This many bytes contain the size in every format but JPEG, where it may be
# anywhere. No complete image is shorter.
_HEAD = 30


def image_shape(encoded):
    """Reads the height and width of a JPEG, PNG, GIF, WebP or BMP.

    Nothing is decoded, so an image can be refused before it takes memory. The
    size of a GIF is that of its logical screen.

    Args:
        encoded: Scalar string tensor.

    Returns:
        int32 `[2]`: height and width in pixels, each at least 1.

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are in none of these
            formats, end within the header, or give a side that is not a
            positive int32.
    """
    # Padding with zeros keeps the slices below from reading past the end.
    head = tf.io.decode_raw(
        tf.strings.substr(encoded, 0, _HEAD), tf.uint8, fixed_length=_HEAD
    )
    return tf.cond(
        _has(head, 0, b"\xff\xd8\xff"),
        lambda: tf.io.extract_jpeg_shape(encoded)[:2],
        lambda: _other_shape(encoded, head),
    )


def _other_shape(encoded, head):
    has, big, little = (
        functools.partial(read, tf.cast(head, tf.int32))
        for read in (_has, _big_endian, _little_endian)
    )
    webp = has(0, b"RIFF") & has(8, b"WEBP")
    lossy = webp & has(12, b"VP8 ") & has(23, b"\x9d\x01\x2a")
    lossless = webp & has(12, b"VP8L") & has(20, b"\x2f")
    packed = little(21, 4)
    shapes = [  # matches, height, width
        (has(0, b"\x89PNG\r\n\x1a\n") & has(12, b"IHDR"), big(20), big(16)),
        (has(0, b"GIF8"), little(8, 2), little(6, 2)),
        # A negative height means that rows run from top to bottom.
        (has(0, b"BM"), tf.abs(little(22, 4)), little(18, 4)),
        (lossy, _low_bits(little(28, 2)), _low_bits(little(26, 2))),
        (lossless, 1 + _low_bits(packed // 2**14), 1 + _low_bits(packed)),
        (webp & has(12, b"VP8X"), 1 + little(27, 3), 1 + little(24, 3)),
    ]
    matches, heights, widths = zip(*shapes, strict=True)
    complete = tf.strings.length(encoded) >= _HEAD
    known = tf.cast(tf.stack(matches) & complete, tf.int32)
    shape = tf.linalg.matvec(tf.stack([heights, widths]), known)
    message = "No complete JPEG, PNG, GIF, WebP or BMP header."
    is_size = tf.debugging.Assert(tf.reduce_all(shape > 0), [message])
    with tf.control_dependencies([is_size]):
        return tf.identity(shape)


def _low_bits(number):
    """The lowest fourteen bits."""
    return tf.bitwise.bitwise_and(number, 0x3FFF)


def _has(head, offset, marker):
    """Whether the bytes of `head` at `offset` are `marker`."""
    found = head[offset : offset + len(marker)]
    return tf.reduce_all(found == tf.constant([*marker], found.dtype))


def _big_endian(head, offset):
    """Four bytes as an int32, negative from 2^31 on."""
    return tf.reduce_sum(head[offset : offset + 4] * [2**24, 2**16, 2**8, 1])


def _little_endian(head, offset, count):
    """Up to four bytes as an int32, negative from 2^31 on."""
    weights = [1, 2**8, 2**16, 2**24][:count]
    return tf.reduce_sum(head[offset : offset + count] * weights)
