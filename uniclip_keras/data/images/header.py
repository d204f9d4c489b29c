"""The size of an encoded image, read from its header."""

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
    webp = _has(head, 0, b"RIFF") & _has(head, 8, b"WEBP")
    lossy = _has(head, 12, b"VP8 ") & _has(head, 23, b"\x9d\x01\x2a")
    lossless = _has(head, 12, b"VP8L") & _has(head, 20, b"\x2f")
    extended = _has(head, 12, b"VP8X")

    head = tf.cast(head, tf.int32)
    fourteen_bits = 0x3FFF
    packed = _little_endian(head, 21, 4)
    shapes = [
        # matches, height, width
        (
            _has(head, 0, b"\x89PNG\r\n\x1a\n") & _has(head, 12, b"IHDR"),
            _big_endian(head, 20),
            _big_endian(head, 16),
        ),
        (
            _has(head, 0, b"GIF8"),
            _little_endian(head, 8, 2),
            _little_endian(head, 6, 2),
        ),
        (
            # A negative height means that rows run from top to bottom.
            _has(head, 0, b"BM"),
            tf.abs(_little_endian(head, 22, 4)),
            _little_endian(head, 18, 4),
        ),
        (
            webp & lossy,
            tf.bitwise.bitwise_and(_little_endian(head, 28, 2), fourteen_bits),
            tf.bitwise.bitwise_and(_little_endian(head, 26, 2), fourteen_bits),
        ),
        (
            webp & lossless,
            1 + tf.bitwise.bitwise_and(packed // 2**14, fourteen_bits),
            1 + tf.bitwise.bitwise_and(packed, fourteen_bits),
        ),
        (
            webp & extended,
            1 + _little_endian(head, 27, 3),
            1 + _little_endian(head, 24, 3),
        ),
    ]
    matches, heights, widths = zip(*shapes, strict=True)
    complete = tf.strings.length(encoded) >= _HEAD
    known = tf.cast(tf.stack(matches) & complete, tf.int32)
    shape = tf.linalg.matvec(tf.stack([heights, widths]), known)
    with tf.control_dependencies(
        [
            tf.debugging.Assert(
                tf.reduce_all(shape > 0),
                ["No complete JPEG, PNG, GIF, WebP or BMP header."],
            )
        ]
    ):
        return tf.identity(shape)


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
