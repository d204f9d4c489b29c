"""First frames of GIFs: their place, colors, memory, and broken ones."""

import io
import pathlib
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.images.header import image_shape

STATUS = pathlib.Path("/proc/self/status")
COMMENT = b"!\xfe\x03abc\x05defgh\0"


def on_screen(encoded, width, height, left=0, top=0):
    """The GIF with another screen, and its first frame elsewhere on it."""
    frame = first_frame(encoded)
    return b"".join(
        [
            encoded[:6],
            struct.pack("<HH", width, height),
            encoded[10 : frame + 1],
            struct.pack("<HH", left, top),
            encoded[frame + 5 :],
        ]
    )


def first_frame(encoded):
    """Where the first frame begins, behind the colors and extensions."""
    return encoded.index(b",\0\0\0\0", end_of_colors(encoded))


def end_of_colors(encoded):
    flags = encoded[10]
    return 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)


def local_colors(encoded):
    """The GIF with the colors of the screen moved to its first frame."""
    frame, flags = first_frame(encoded), encoded[10]
    end = end_of_colors(encoded)
    return b"".join(
        [
            encoded[:10],
            bytes([flags & 0x78]),
            encoded[11:13],
            encoded[end : frame + 9],
            bytes([encoded[frame + 9] | flags & 0x87]),
            encoded[13:end],
            encoded[frame + 10 :],
        ]
    )


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decode(encoded):
    return image_shape(encoded), decode_image(encoded)


def assert_decoded(encoded, expected):
    shape, image = decode(encoded)
    np.testing.assert_array_equal(shape, expected.shape[:2])
    np.testing.assert_array_equal(image, expected)


def test_a_frame_anywhere_on_its_screen():
    pixels = smooth_pixels(0)
    encoded = encode(pixels, "GIF")
    for screen, place in [
        ((24, 24), (0, 0)),
        ((40, 30), (0, 0)),
        ((40, 30), (5, 3)),
        ((1, 1), (0, 0)),
        ((30, 10), (2, 17)),  # out of the screen, below
    ]:
        left, top = place
        shape = max(screen[1], top + 24), max(screen[0], left + 24), 3
        expected = np.full(shape, 255, np.uint8)
        expected[top : top + 24, left : left + 24] = pixels
        moved = on_screen(encoded, *screen, *place)
        assert_decoded(moved, expected)
        own = on_screen(local_colors(encoded), *screen, *place)
        assert_decoded(own, expected)
        np.testing.assert_array_equal(image_shape(moved), expected.shape[:2])
        np.testing.assert_array_equal(decode_image(moved), expected)
        assert Image.open(io.BytesIO(moved)).size == expected.shape[1::-1]


def test_transparent_pixels_are_white():
    image = Image.fromarray(smooth_pixels(0)).convert("P")
    indices = np.asarray(image)
    transparent = int(indices[3, 3])
    file = io.BytesIO()
    image.save(file, "GIF", transparency=transparent, optimize=False)
    encoded = file.getvalue()
    expected = np.asarray(image.convert("RGB")).copy()
    expected[indices == transparent] = 255
    assert_decoded(encoded, expected)
    assert_decoded(local_colors(encoded), expected)


def animation(count, size):
    frames = [
        Image.fromarray(np.full([size, size], 40 * n, np.uint8)).convert("P")
        for n in range(4)
    ]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    encoded = file.getvalue()
    return encoded[:-1] + encoded[first_frame(encoded) : -1] * count + b";"


def test_frames_and_comments_beside_the_first_frame():
    encoded = animation(3, 24)
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    assert_decoded(encoded, expected)
    frame = first_frame(encoded)
    assert_decoded(encoded[:frame] + COMMENT * 3 + encoded[frame:], expected)
    # What follows the first frame does not matter.
    assert_decoded(encoded[:-200] + b"no block of a GIF", expected)


def test_every_truncation_is_refused():
    encoded = encode(smooth_pixels(0), "GIF", optimize=True)
    frame = first_frame(encoded)
    encoded = encoded[:frame] + COMMENT + encoded[frame:]
    # The trailer and the end of the blocks are not missed by anyone.
    assert encoded.endswith(b"\0;")
    for length in range(4, len(encoded) - 1, 3):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(encoded[:length])
    assert_decoded(encoded[:-1], smooth_pixels(0))


def test_a_block_after_another_without_end():
    encoded = encode(smooth_pixels(0), "GIF")
    frame = first_frame(encoded)
    for filler in (b"!\xf9\0" * 300_000, b"!\xfe" + b"\1\1\2\1\1" * 200_000):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(encoded[:frame] + filler)


@pytest.mark.skipif(not STATUS.exists(), reason="reads the peak from /proc")
def test_memory_is_that_of_the_first_frame():
    side = 12_000
    file = io.BytesIO()
    Image.new("P", [side, side]).save(file, "GIF")
    bomb = on_screen(file.getvalue(), 1, 1)
    far = on_screen(encode(smooth_pixels(0), "GIF"), 1, 1, 60_000, 60_000)
    wide = on_screen(encode(smooth_pixels(0), "GIF"), 60_000, 60_000)
    long = animation(100, 1000)

    def decode_all():
        for encoded in (bomb, far, wide):
            problem, image = decode_within(encoded)
            assert problem == bad.OVERSIZE_IMAGE.encode()
            assert image.shape == (1, 1, 3)
        problem, image = decode_within(long)
        assert problem == b"" and image.shape == (1000, 1000, 3)

    decode_within(animation(1, 24))  # what TensorFlow needs once
    assert peak_megabytes(decode_all) < 40


def peak_megabytes(function):
    """Memory that a function takes beyond what the process has already."""

    def peak():
        (line,) = [n for n in STATUS.read_text().splitlines() if "VmHWM" in n]
        return int(line.split()[1]) / 1024

    STATUS.with_name("clear_refs").write_text("5")  # forget the peak
    before = peak()
    function()
    return peak() - before
