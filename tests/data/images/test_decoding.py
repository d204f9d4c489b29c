"""Decoding every format, reduced JPEGs, and the pixel limit."""

import io

import numpy as np
import pytest
import tensorflow as tf
from mutations import mutate
from PIL import Image
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images import decoding
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.errors import InputError

# Orientation 6, in a TIFF of one entry.
EXIF = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"


def decode_both_ways(encoded):
    """Decodes eagerly and inside `Dataset.map`, which must agree."""
    eager = decode_image(tf.constant(encoded)).numpy()
    dataset = tf.data.Dataset.from_tensors(encoded).map(decode_image)
    np.testing.assert_array_equal(eager, next(iter(dataset)).numpy())
    return eager


def on_white(encoded):
    image = Image.open(io.BytesIO(encoded)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return np.asarray(white.convert("RGB"))


@pytest.mark.parametrize(
    ("image_format", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("PNG", "1", {}),
        ("PNG", "P", {}),
        ("PNG", "P", {"transparency": 0}),
        ("PNG", "RGBA", {}),
        ("PNG", "LA", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
    ],
)
def test_lossless_formats_become_rgb_on_white(image_format, mode, options):
    pixels = smooth_pixels(1, channels=4)
    encoded = encode(pixels, image_format, mode, **options)
    decoded = decode_both_ways(encoded)
    assert decoded.dtype == np.uint8
    # Pillow and TensorFlow may round a blend differently.
    expected = on_white(encoded).astype(int)
    np.testing.assert_allclose(decoded.astype(int), expected, atol=1)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_of_any_color_space(mode):
    source = np.full([24, 24, 3], (200, 120, 40), np.uint8)
    decoded = decode_both_ways(encode(source, "JPEG", mode, quality=95))
    expected = source if mode != "L" else np.full_like(source, 135)
    np.testing.assert_allclose(decoded.astype(int), expected, atol=6)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_reduced_jpeg(reduction):
    flat = np.full([45, 30, 3], (200, 120, 40), np.uint8)
    encoded = encode(flat, "JPEG", quality=95)
    reduced = decode_image(encoded, reduction)
    assert reduced.shape == (-(-45 // reduction), -(-30 // reduction), 3)
    assert np.abs(reduced - np.float32([200, 120, 40])).max() <= 3
    (mapped,) = tf.data.Dataset.from_tensors(reduction).map(
        lambda drawn: decode_image(encoded, tf.cast(drawn, tf.int32))
    )
    np.testing.assert_array_equal(mapped, reduced)
    # Other formats always come in full size.
    png = decode_image(encode(smooth_pixels(1)), reduction)
    np.testing.assert_array_equal(png, smooth_pixels(1))


def test_complete_and_cut_off_jpegs():
    encoded = encode(smooth_pixels(3, size=44), "JPEG", quality=90)
    # A complete JPEG comes as Pillow decodes it.
    expected = np.asarray(Image.open(io.BytesIO(encoded)))
    np.testing.assert_array_equal(decode_both_ways(encoded), expected)
    with pytest.raises(InputError, match="reduction 3"):
        decode_image(encoded, 3)
    for reduction in (1, 4):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode_image(encoded[: len(encoded) // 2], reduction)


def test_sixteen_bits_become_eight():
    levels = np.linspace(0, 65535, 24 * 24).astype(np.uint16).reshape(24, 24)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    decoded = decode_both_ways(file.getvalue())
    expected = np.repeat((levels >> 8)[..., None], 3, axis=-1)
    np.testing.assert_allclose(decoded.astype(int), expected, atol=1)


def animated(image_format, mode):
    """Two frames encoded as one file, and the first as pixels."""
    one, two = (Image.fromarray(smooth_pixels(n)).convert(mode) for n in (1, 2))
    file = io.BytesIO()
    one.save(file, image_format, save_all=True, append_images=[two])
    return file.getvalue(), np.asarray(one.convert("RGB"))


def test_animated_gif_gives_its_first_frame():
    encoded, first = animated("GIF", "P")
    np.testing.assert_array_equal(decode_both_ways(encoded), first)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_pixel_limit_is_that_of_the_header(image_format):
    image = encode(smooth_pixels(0), image_format)
    for limit, problem in ((576, b""), (575, bad.OVERSIZE_IMAGE.encode())):
        found, decoded = decoding.decode_within(tf.constant(image), limit)
        assert found == problem
        assert decoded.shape == ((24, 24, 3) if not problem else (1, 1, 3))


def test_an_image_bomb_takes_no_memory():
    """A PNG that claims 60,000 by 60,000 pixels, 11 GB when decoded."""
    image = encode(smooth_pixels(0))
    bomb = image[:16] + (60_000).to_bytes(4, "big") * 2 + image[24:]
    problem, decoded = decoding.decode_within(tf.constant(bomb))
    assert problem == bad.OVERSIZE_IMAGE.encode()
    assert decoded.shape == (1, 1, 3)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decode(encoded):
    return decoding.decode_within(encoded)


def test_incomplete_and_unknown_images():
    good = encode(smooth_pixels(1))
    for image in (
        b"",
        b"no image at all, but long enough to be looked at",
        good[: len(good) // 2],
        good[:-16],
        good[:20],
        animated("WEBP", "RGB")[0],
    ):
        for function in (decode, decoding.decode_within):
            with pytest.raises(tf.errors.InvalidArgumentError):
                function(image)


def test_mutated_images_are_refused_or_decoded():
    """Nothing but an image or this one error comes out, within the limit."""
    rng = np.random.default_rng(1)
    whole = [
        encode(smooth_pixels(number), image_format, **options)
        for number, (image_format, options) in enumerate(
            [
                ("PNG", {}),
                ("JPEG", {"progressive": True}),
                ("JPEG", {"exif": EXIF}),
                ("GIF", {}),
                ("GIF", {"comment": b"a" * 300}),
                ("WEBP", {"lossless": True}),
                ("BMP", {}),
            ]
        )
    ]
    files = [
        # Most mutations of the whole file are behind its header.
        mutate(image[:64], rng)[0] + image[64:]
        if number % 2
        else mutate(image, rng)[0]
        for number in range(50)
        for image in whole
    ]
    limit = 100_000

    def shape_of(number, encoded):
        problem, image = decoding.decode_within(encoded, limit)
        return number, problem, tf.shape(image)

    dataset = tf.data.Dataset.from_tensor_slices(files).enumerate()
    decoded = dataset.map(shape_of).ignore_errors().as_numpy_iterator()
    mapped = {number: (problem, shape) for number, problem, shape in decoded}
    assert 50 < len(mapped) < len(files) - 100
    for number, image in enumerate(files):
        if number not in mapped:
            with pytest.raises(tf.errors.InvalidArgumentError):
                decoding.decode_within(tf.constant(image), limit)
            continue
        problem, shape = mapped[number]
        assert problem in (b"", bad.OVERSIZE_IMAGE.encode())
        assert np.prod(shape[:2]) <= limit and shape[2] == 3
        if not problem:
            np.testing.assert_array_equal(image_shape(image), shape[:2])
