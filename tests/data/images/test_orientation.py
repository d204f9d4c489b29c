"""JPEGs turned as their EXIF says, against Pillow, eagerly and in `map`."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from PIL import ImageOps
from samples import encode

from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.images.orientation import read_orientation

HEIGHT, WIDTH = 21, 34
TAG, SHORT, LONG = 0x0112, 3, 4


def tiff(orientation, big=False, kind=SHORT, tags=(0x010F, TAG, 0x011A)):
    """EXIF of three entries, as bytes."""
    order = ">" if big else "<"
    head = (b"MM" if big else b"II") + struct.pack(order + "HI", 42, 8)
    entries = [
        struct.pack(order + "HHIHH", tag, kind, 1, value, 0)
        for tag, value in zip(tags, (7, orientation, 8), strict=True)
    ]
    count = struct.pack(order + "H", len(entries))
    return head + count + b"".join(entries) + bytes(4)


def segment(marker, content):
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(*segments):
    """A JPEG with these segments in front of its own."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, [3, 4, 3]).astype(np.uint8)
    image = Image.fromarray(coarse).resize([WIDTH, HEIGHT], Image.BILINEAR)
    encoded = encode(np.asarray(image), "JPEG", quality=95)
    return encoded[:2] + b"".join(segments) + encoded[2:]


def exif(content):
    return segment(0xE1, b"Exif\0\0" + content)


@tf.function(
    input_signature=[
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([], tf.int32),
    ]
)
def decode(encoded, reduction):
    shape = image_shape(encoded)
    problem, image = decode_within(encoded, shape=shape, reduction=reduction)
    return problem, shape, image


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations(orientation, big):
    encoded = jpeg(exif(tiff(orientation, big)))
    stored = Image.open(io.BytesIO(encoded))
    assert stored.getexif()[TAG] == orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    if orientation > 1:
        assert not np.array_equal(expected, np.asarray(stored))
    problem, shape, image = decode(encoded, 1)
    assert problem == b""
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(shape, expected.shape[:2])

    _, _, reduced = decode(encoded, 2)
    halved = Image.fromarray(decode(jpeg(), 2)[2].numpy())
    halved.getexif()[TAG] = orientation
    np.testing.assert_array_equal(reduced, ImageOps.exif_transpose(halved))
    assert reduced.shape == (*(-(-n // 2) for n in expected.shape[:2]), 3)


def test_eagerly_and_in_map():
    files = [jpeg(exif(tiff(number))) for number in (1, 6)]
    dataset = tf.data.Dataset.from_tensor_slices(files)
    mapped = dataset.map(lambda one: (image_shape(one), decode_within(one)[1]))
    for encoded, (shape, image) in zip(files, mapped, strict=True):
        np.testing.assert_array_equal(image_shape(encoded), shape)
        np.testing.assert_array_equal(decode_within(encoded)[1], image)
    np.testing.assert_array_equal(shape, [WIDTH, HEIGHT])


SIX = exif(tiff(6))
OTHER = segment(0xE2, b"a profile" * 99)
NOT_EXIF = segment(0xE1, b"http://ns.adobe.com/xap/1.0/ Exif\0\0")


@pytest.mark.parametrize(
    ("segments", "orientation"),
    [
        ([OTHER, segment(0xFE, b"a comment"), NOT_EXIF, SIX], 6),
        ([SIX, exif(tiff(3))], 6),
        ([NOT_EXIF], 1),
        ([segment(0xE2, SIX)], 1),  # part of something else
        ([exif(b"")], 1),
        ([exif(tiff(6)[:13])], 1),
        ([exif(b"XX" + tiff(6)[2:])], 1),
        ([exif(tiff(6, kind=LONG))], 1),
        ([exif(tiff(6, tags=(1, 2, 3)))], 1),
        ([exif(tiff(0))], 1),
        ([exif(tiff(9))], 1),
        ([exif(tiff(6)[:4] + b"\xff\xff\xff\x7f" + tiff(6)[8:])], 1),
        ([exif(tiff(6)[:4] + b"\xf0\xff\xff\xff" + tiff(6)[8:])], 1),
        # A length that leads back, or nowhere.
        ([b"\xff\xe2\0\0", SIX], 1),
        ([b"\xff\xe2\xff\xff", SIX], 1),
    ],
)
def test_unusual_and_malformed_exif(segments, orientation):
    encoded = jpeg(*segments)
    assert read_orientation(encoded) == orientation
    read = tf.function(read_orientation)
    assert read(tf.constant(encoded)) == orientation
    # The same in a file that ends there.
    assert read(tf.constant(encoded[: 2 + sum(map(len, segments))])) in (
        orientation,
        1,
    )
