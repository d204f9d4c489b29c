"""How a camera was held: the orientation in a JPEG's EXIF, and turning by it.

Cameras store pixels as the sensor sees them and note in the file how to turn
them. Only JPEGs are turned; PNG and WebP rarely hold this note.
"""

import tensorflow as tf

from uniclip_keras.data.images.binary import big_endian
from uniclip_keras.data.images.binary import has
from uniclip_keras.data.images.binary import little_endian
from uniclip_keras.data.images.binary import own_function
from uniclip_keras.data.images.binary import read

# EXIF is the first segment or follows short ones, and is no longer than this.
_BEGIN = 2**12
_HEAD = 2**16

# Segments before EXIF and entries in its first directory that are looked at.
_SEGMENTS = 64
_ENTRIES = 128

_ORIENTATION = 0x0112  # the tag
_SHORT = 3  # the type of its value


def read_orientation(encoded):
    """Reads the EXIF orientation of a JPEG.

    Args:
        encoded: Scalar string tensor.

    Returns:
        Scalar int32 from 1 to 8. It is 1, which means upright, if no EXIF
        begins in the first 4 KiB or if anything in it is malformed.
    """
    # Most files have no EXIF, and this search takes less time than the loop
    # over segments.
    begin = tf.strings.substr(encoded, 0, _BEGIN)
    rest = tf.strings.regex_replace(begin, "Exif", "", replace_global=False)
    return tf.cond(
        tf.equal(tf.strings.length(rest), tf.strings.length(begin)),
        lambda: tf.constant(1),
        lambda: _orientation_in(tf.strings.substr(encoded, 0, _HEAD)),
    )


def turn(image, orientation):
    """Turns and mirrors an image so that it stands upright.

    Args:
        image: `[H, W, 3]`.
        orientation: Scalar int32 from 1 to 8, the EXIF orientation.

    Returns:
        `[H, W, 3]`, or `[W, H, 3]` if `swaps_sides(orientation)`.
    """

    def turned():
        swapped = swaps_sides(orientation)
        order = tf.where(swapped, [1, 0, 2], [0, 1, 2])
        upside_down = tf.reduce_any(tf.equal(orientation, [3, 4, 7, 8]))
        mirrored = tf.reduce_any(tf.equal(orientation, [2, 3, 6, 7]))
        axes = tf.boolean_mask([0, 1], tf.stack([upside_down, mirrored]))
        return tf.reverse(tf.transpose(image, order), axes)

    upright = tf.equal(orientation, 1)
    image = tf.cond(upright, lambda: tf.identity(image), turned)
    return tf.ensure_shape(image, [None, None, 3])


def swaps_sides(orientation):
    """Whether the upright image has the stored height as its width."""
    return orientation >= 5


@own_function
def _orientation_in(head):
    """The orientation in the first bytes of a JPEG."""

    def is_exif(segment):
        return has(segment, 0, b"\xff\xe1") & has(segment, 4, b"Exif\0\0")

    def is_other(place, segment):
        del place
        # Application data and comments; the image begins with other segments.
        skipped = ((segment[1] >= 0xE0) & (segment[1] <= 0xEF)) | (
            segment[1] == 0xFE
        )
        return (segment[0] == 0xFF) & skipped & ~is_exif(segment)

    def follow(place, segment):
        place = place + 2 + big_endian(segment, 2, 2)
        return place, read(head, place, 10)

    place, segment = tf.while_loop(
        is_other, follow, (2, read(head, 2, 10)), maximum_iterations=_SEGMENTS
    )
    # The contents are a TIFF file without pixels, in either byte order.
    tiff = place + 10
    start = read(head, tiff, 8)
    big = has(start, 0, b"MM\0*")
    known = is_exif(segment) & (big | has(start, 0, b"II*\0"))
    offset = tf.where(big, big_endian(start, 4, 4), little_endian(start, 4, 4))
    # A negative offset would lead before the TIFF; no directory is so far.
    offset = tf.where((offset >= 0) & (offset < _HEAD), offset, _HEAD)
    directory = read(head, tiff + offset, 2 + 12 * _ENTRIES)
    weights = tf.where(big, [2**8, 1], [1, 2**8])
    count = tf.reduce_sum(directory[:2] * weights)
    # [entries, 6]: tag, type, two halves of a count, value and its padding.
    words = tf.reshape(directory[2:], [_ENTRIES, 6, 2])
    words = tf.reduce_sum(words * weights, axis=-1)
    found = (
        (tf.range(_ENTRIES) < count)
        & tf.equal(words[:, 0], _ORIENTATION)
        & tf.equal(words[:, 1], _SHORT)
    )
    value = tf.reduce_max(tf.where(found, words[:, 4], 0))
    return tf.where(known & (value >= 1) & (value <= 8), value, 1)
