"""The size in the header against Pillow and the decoder."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape

FORMATS = [
    ("JPEG", "RGB", {}),
    ("JPEG", "L", {"progressive": True}),
    ("JPEG", "CMYK", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {}),
    ("GIF", "P", {}),
    ("BMP", "RGB", {}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGBA", {}),
    ("WEBP", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
]


@pytest.fixture(scope="module")
def traced():
    return tf.function(
        image_shape, input_signature=[tf.TensorSpec([], "string")]
    )


def encoded_size(image_format, mode, options, height, width):
    file = io.BytesIO()
    image = Image.new(mode, [width, height])
    image.save(file, image_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(("image_format", "mode", "options"), FORMATS)
def test_whole_and_truncated_headers(image_format, mode, options, traced):
    for height, width in [(1, 1), (3, 300), (517, 66)]:
        encoded = encoded_size(image_format, mode, options, height, width)
        shape = traced(encoded)
        np.testing.assert_array_equal(shape, [height, width])
        assert shape.dtype == tf.int32
        np.testing.assert_array_equal(shape, decode_image(encoded).shape[:2])
    encoded = encoded_size(image_format, mode, options, 70, 700)
    for length in [0, 1, 3, 10, 13, 17, 21, 23]:
        with pytest.raises(tf.errors.InvalidArgumentError):
            traced(encoded[:length])


def test_eagerly_and_in_map():
    files = [encode(smooth_pixels(1)), encode(smooth_pixels(1), "JPEG")]
    dataset = tf.data.Dataset.from_tensor_slices(files).map(image_shape)
    for encoded, mapped in zip(files, dataset, strict=True):
        np.testing.assert_array_equal(mapped, [24, 24])
        np.testing.assert_array_equal(image_shape(encoded), mapped)


def test_unusual_sizes(traced):
    # Rows from top to bottom.
    encoded = bytearray(encoded_size("BMP", "RGB", {}, 5, 7))
    encoded[22:26] = struct.pack("<i", -5)
    np.testing.assert_array_equal(traced(bytes(encoded)), [5, 7])
    np.testing.assert_array_equal(decode_image(bytes(encoded)).shape, [5, 7, 3])
    # An image bomb is seen before it is decoded.
    shape = traced(png_of(2**31 - 1, 60_000))
    np.testing.assert_array_equal(shape, [2**31 - 1, 60_000])
    # The top bit of a lossless WebP's packed sizes is not a sign.
    encoded = bytearray(encoded_size("WEBP", "RGB", {"lossless": True}, 1, 1))
    for height, width in [(16_384, 16_384), (16_384, 1), (8_193, 12_345)]:
        packed = (width - 1) | (height - 1) << 14
        for other_bits in (0, 0xF << 28):
            encoded[21:25] = struct.pack("<I", packed | other_bits)
            shape = traced(bytes(encoded))
            np.testing.assert_array_equal(shape, [height, width])


def png_of(height, width):
    encoded = bytearray(encoded_size("PNG", "RGB", {}, 1, 1))
    encoded[16:24] = struct.pack(">II", width, height)
    return bytes(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        b"no image at all, but long enough to be looked at",
        b"RIFF____WEBPVP9 and more than thirty bytes of it",
        b"\xff\xd8\xff\xe0 a JPEG that never says how large it is",
        png_of(0, 8),
        png_of(8, 2**31),
        png_of(2**32 - 1, 8),
    ],
)
def test_headers_without_a_size(encoded, traced):
    for read in (traced, image_shape):
        with pytest.raises(tf.errors.InvalidArgumentError):
            read(encoded)
