"""The first frame of a GIF, found before anything is decoded.

A GIF has a screen, of any size, and frames at places on it. TensorFlow decodes
all frames to show the first one, and moves or cuts off a frame that does not
fill the screen. So it is given a file of that one frame.
"""

import tensorflow as tf

from uniclip_keras.data.images.binary import own_function
from uniclip_keras.data.images.binary import read

_EXTENSION, _FRAME = 0x21, 0x2C
_TRANSPARENCY = 0xF9  # the extension that can make a color transparent

_SCREEN_BYTES = 13
_FRAME_BYTES = 10

# Limits to the time that a malicious file can take: extensions before the
# first frame, and changes of the length in a sequence of blocks, which is the
# same for all blocks but the last in the files of most programs.
_EXTENSIONS = 64
_CHANGES = 2**14

# Blocks that are compared at once.
_BLOCKS = 64


@own_function
def gif_shape(encoded):
    """The height and width of a GIF's first picture.

    Args:
        encoded: Scalar string tensor, a GIF.

    Returns:
        int32 `[2]`: the screen, enlarged where the first frame exceeds it.

    Raises:
        tf.errors.InvalidArgumentError: If there is no frame.
    """
    place, _ = _first_frame(encoded, tf.io.decode_raw(encoded, tf.uint8))
    return _canvas(encoded, place)


@own_function
def decode_gif(encoded):
    """Decodes the first frame of a GIF, onto white.

    Args:
        encoded: Scalar string tensor, a GIF.

    Returns:
        uint8 `[height, width, 3]` of the shape that `gif_shape` gives. Memory
        is needed for the first frame and the screen only.

    Raises:
        tf.errors.InvalidArgumentError: If there is no complete frame.
    """
    content = tf.io.decode_raw(encoded, tf.uint8)
    place, transparent = _first_frame(encoded, content)
    descriptor = read(encoded, place, _FRAME_BYTES)
    own_colors = _colors(descriptor[9])
    # A byte, the size of codes, precedes the blocks.
    blocks = place + _FRAME_BYTES + 3 * own_colors + 1
    end = _end_of_blocks(content, blocks)
    complete = tf.debugging.Assert(
        end <= tf.size(content), ["The first frame of a GIF is not complete."]
    )
    with tf.control_dependencies([complete]):
        frame_bytes = tf.strings.substr(encoded, place + 5, end - place - 5)
    screen_colors = _colors(read(encoded, 10, 1)[0])
    screen_bytes = _SCREEN_BYTES + 3 * screen_colors
    screen = tf.strings.substr(encoded, 0, screen_bytes)
    # The frame of the new file is at the left and top of its screen.
    corner = bytes([_FRAME, 0, 0, 0, 0])
    still = tf.strings.join([screen, corner, frame_bytes, b";"])
    still = tf.cond(
        own_colors > 0,
        lambda: _whiten(
            still, screen_bytes + _FRAME_BYTES, own_colors, transparent
        ),
        lambda: _whiten(still, _SCREEN_BYTES, screen_colors, transparent),
    )
    frame = tf.io.decode_image(still, channels=3, expand_animations=False)
    left, top, *_ = _pairs(descriptor[1:9])
    height, width = tf.unstack(_canvas(encoded, place))
    below = height - top - tf.shape(frame)[0]
    beside = width - left - tf.shape(frame)[1]
    white = tf.constant(255, tf.uint8)
    return tf.pad(
        frame, [[top, below], [left, beside], [0, 0]], constant_values=white
    )


def _first_frame(encoded, content):
    """Where the first frame begins, and its transparent color or -1."""

    def is_extension(place, transparent):
        del transparent
        return tf.equal(read(encoded, place, 1)[0], _EXTENSION)

    def skip(place, transparent):
        extension = read(encoded, place, 7)
        flag = tf.bitwise.bitwise_and(extension[3], 1)
        color = tf.where(tf.equal(flag, 1), extension[6], -1)
        sets_color = tf.equal(extension[1], _TRANSPARENCY)
        return (
            _end_of_blocks(content, place + 2),
            tf.where(sets_color, color, transparent),
        )

    start = _SCREEN_BYTES + 3 * _colors(read(encoded, 10, 1)[0])
    place, transparent = tf.while_loop(
        is_extension, skip, (start, -1), maximum_iterations=_EXTENSIONS
    )
    is_frame = tf.equal(read(encoded, place, 1)[0], _FRAME) & (
        place + _FRAME_BYTES <= tf.size(content)
    )
    found = tf.debugging.Assert(is_frame, ["A GIF has no frame."])
    with tf.control_dependencies([found]):
        return tf.identity(place), tf.identity(transparent)


def _canvas(encoded, place):
    width, height = _pairs(read(encoded, 6, 4))
    frame = read(encoded, place + 1, 8)
    left, top, frame_width, frame_height = _pairs(frame)
    return tf.stack(
        [
            tf.maximum(height, top + frame_height),
            tf.maximum(width, left + frame_width),
        ]
    )


def _pairs(content):
    """The numbers of two bytes each, low byte first."""
    return tf.unstack(tf.linalg.matvec(tf.reshape(content, [-1, 2]), [1, 256]))


def _colors(flags):
    """The number of colors in the table that may follow these flags."""
    exponent = tf.bitwise.bitwise_and(flags, 7) + 1
    return tf.where(flags >= 0x80, tf.bitwise.left_shift(1, exponent), 0)


def _end_of_blocks(content, place):
    """The place behind a sequence of blocks.

    A block is a byte that gives its length and that many bytes; the sequence
    ends with length 0. If it is cut off, the place is behind the end.
    """
    size = tf.size(content)

    def length(place):
        byte = tf.gather(content, tf.minimum(place, size - 1))
        return tf.cast(byte, tf.int32)

    def more(place):
        return (place < size) & (length(place) > 0)

    def skip(place):
        step = length(place) + 1
        ahead = length(place + step * tf.range(_BLOCKS)) + 1
        alike = tf.math.cumprod(tf.cast(tf.equal(ahead, step), tf.int32))
        return [place + step * tf.reduce_sum(alike)]

    (place,) = tf.while_loop(more, skip, [place], maximum_iterations=_CHANGES)
    return tf.where(more(place), size, place) + 1


def _whiten(content, table, colors, color):
    """Makes a color white in the table of `colors` that begins at `table`."""

    def white():
        place = table + 3 * color
        before = tf.strings.substr(content, 0, place)
        after = tf.strings.substr(
            content, place + 3, tf.strings.length(content)
        )
        return tf.strings.join([before, b"\xff\xff\xff", after])

    inside = (color >= 0) & (color < colors)
    return tf.cond(inside, white, lambda: tf.identity(content))
