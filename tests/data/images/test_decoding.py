import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.bad_samples import BadSamples
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.skipping import map_good
from uniclip_keras.errors import InputError


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
def test_lossless_formats_become_rgb_on_white(
    image_format, mode, options, encode_image, pixels
):
    encoded = encode_image(pixels(1, channels=4), image_format, mode, **options)
    decoded = decode_both_ways(encoded)
    assert decoded.dtype == np.uint8
    # Pillow and TensorFlow may round a blend differently.
    np.testing.assert_allclose(
        decoded.astype(int), on_white(encoded).astype(int), atol=1
    )


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_of_any_colour_space(mode, encode_image, pixels):
    source = np.full([24, 24, 3], (200, 120, 40), np.uint8)
    decoded = decode_both_ways(encode_image(source, "JPEG", mode, quality=95))
    expected = source if mode != "L" else np.full_like(source, 135)
    np.testing.assert_allclose(decoded.astype(int), expected, atol=6)


def test_jpegs_come_as_pillow_decodes_them(encode_image, pixels):
    source = pixels(3, size=44)
    encoded = encode_image(source, "JPEG", quality=90)
    expected = np.asarray(Image.open(io.BytesIO(encoded)))
    np.testing.assert_array_equal(decode_both_ways(encoded), expected)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_reduced_jpeg(reduction, encode_image, pixels):
    flat = np.full([45, 30, 3], (200, 120, 40), np.uint8)
    encoded = encode_image(flat, "JPEG", quality=95)
    reduced = decode_image(encoded, reduction)
    assert reduced.shape == (-(-45 // reduction), -(-30 // reduction), 3)
    assert np.abs(reduced - np.float32([200, 120, 40])).max() <= 3
    (mapped,) = tf.data.Dataset.from_tensors(reduction).map(
        lambda drawn: decode_image(encoded, tf.cast(drawn, tf.int32))
    )
    np.testing.assert_array_equal(mapped, reduced)
    # Other formats have no such way.
    png = encode_image(pixels(1))
    np.testing.assert_array_equal(decode_image(png, reduction), pixels(1))


def test_no_other_reductions(encode_image, pixels):
    with pytest.raises(InputError, match="reduction 3"):
        decode_image(encode_image(pixels(1), "JPEG"), 3)


def test_cut_off_jpeg_is_no_image(encode_image, pixels):
    encoded = encode_image(pixels(1, size=64), "JPEG")
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


def test_animated_gif_gives_its_first_frame(encode_image, pixels):
    frames = [Image.fromarray(pixels(seed)).convert("P") for seed in (1, 2)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    first = np.asarray(frames[0].convert("RGB"))
    np.testing.assert_array_equal(decode_both_ways(file.getvalue()), first)


def animated_webp():
    frames = [Image.new("RGB", [40, 50], colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


def bad_images(good):
    return [
        b"",
        b"no image at all, but long enough to be looked at",
        good[: len(good) // 2],
        good[:-16],
        good[:20],
        animated_webp(),
    ]


def test_bad_images_are_skipped_counted_and_named(encode_image, pixels):
    good = encode_image(pixels(1))
    # Bad ones first, in a row and last.
    encoded = []
    for image in bad_images(good):
        encoded += [image, good]
    encoded += [b"", b""]
    keys = [f"k{place}" for place in range(len(encoded))]
    dataset = tf.data.Dataset.from_tensor_slices(
        {"key": keys, "image": np.array(encoded, object)}
    )

    def decode(number, sample):
        problem, image = decode_within(sample["image"])
        return problem, {**sample, "image": image}

    tally = BadSamples()
    kept = list(map_good(dataset, decode, tally))
    assert [sample["key"].numpy().decode() for sample in kept] == keys[1:-2:2]
    for sample in kept:
        np.testing.assert_array_equal(sample["image"], pixels(1))
    assert tally.counts == {bad.CORRUPT_IMAGE: len(bad_images(good)) + 2}
    assert tally.examples == {bad.CORRUPT_IMAGE: ["k0", "k2", "k4"]}
