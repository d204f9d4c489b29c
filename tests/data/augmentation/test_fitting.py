"""Untouched images as squares, each with the vector that is true of it."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from references import FIXTURES

from uniclip_keras.data import augmentation
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def photo():
    photo = tf.io.decode_image((FIXTURES / "grace_hopper.jpg").read_bytes())
    return photo.numpy()[:301, :200]


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("size", [40, 72])
def test_square_images_are_whole_in_every_fit(photo, fit, size):
    tile = photo[100:172, 50:122]
    view, vector = augmentation.evaluation_view(tile, size, fit)
    np.testing.assert_array_equal(vector, augmentation.IDENTITY)
    whole = augmentation.replay(tile, augmentation.IDENTITY, size)
    np.testing.assert_allclose(view, whole, rtol=0, atol=1e-5)
    if size == 72:
        np.testing.assert_allclose(view, tile / 255, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fit", ["squash", "crop"])
@pytest.mark.parametrize("size", [40, 72])
def test_views_are_their_vectors_replayed(photo, fit, size):
    for image in (photo, photo.transpose(1, 0, 2) / 255):
        view, vector = augmentation.evaluation_view(image, size, fit)
        replayed = augmentation.replay(image, vector, size)
        np.testing.assert_allclose(view, replayed, rtol=0, atol=1e-5)


def test_crop_is_the_largest_square_in_the_center(photo):
    view, vector = augmentation.evaluation_view(photo, 50, "crop")
    np.testing.assert_allclose(
        vector, [50 / 301, 0, 200 / 301, 1, *[0] * 7], rtol=1e-6
    )
    square = photo[50:250]
    expected, _ = augmentation.evaluation_view(square, 50)
    np.testing.assert_allclose(view, expected, rtol=0, atol=1e-6)
    assert augmentation.describe(vector).startswith("crop 66 % at (0.17, 0.00)")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pad_keeps_the_shape_between_white_margins(photo, dtype):
    # 300 x 200 pixels go into 60 x 40 of 60.
    image = photo[:300] if dtype == np.uint8 else photo[:300] / np.float32(255)
    view, vector = augmentation.evaluation_view(image, 60, "pad")
    np.testing.assert_array_equal(vector, augmentation.IDENTITY)
    np.testing.assert_array_equal(view[:, :10], 1)
    np.testing.assert_array_equal(view[:, 50:], 1)
    inside = tf.image.resize(image, [60, 40], antialias=True) / (
        255 if dtype == np.uint8 else 1
    )
    np.testing.assert_allclose(view[:, 10:50], inside, rtol=0, atol=1e-5)
    # A line as long as the limit takes no more memory than its pixels.
    line = np.zeros([1, 2**20, 3], dtype)
    view, _ = augmentation.evaluation_view(line, 60, "pad")
    assert view.shape == (60, 60, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [40, 224])
def test_bicubic_squares_are_those_of_pillow(photo, dtype, size):
    # One pass each, in this order: Pillow itself may take rows first.
    def resize(pixels, height, width):
        image = Image.fromarray(pixels)
        for shape in ((width, image.height), (width, height)):
            image = image.resize(shape, Image.Resampling.BICUBIC)
        return np.array(image)

    for pixels in (photo, np.ascontiguousarray(photo.transpose(1, 0, 2))):
        image = pixels if dtype == np.uint8 else pixels / np.float32(255)
        height, width = (size * side // 200 for side in pixels.shape[:2])
        top, left = (height - size) // 2, (width - size) // 2
        resized = resize(pixels, height, width)
        expected = {
            "siglip": resize(pixels, size, size),
            "clip": resized[top : top + size, left : left + size],
        }
        for fit, square in expected.items():
            view, vector = augmentation.evaluation_view(image, size, fit)
            off = np.abs(view * 255.0 - square)
            # Both round; the weights of the neighbors differ in the last bits.
            assert off.max() < 1.01 and np.mean(off > 0.01) < 2e-3
            other = {"siglip": "squash", "clip": "crop"}[fit]
            _, same = augmentation.evaluation_view(image, size, other)
            np.testing.assert_array_equal(vector, same)


@pytest.mark.parametrize("fit", ["clip", "siglip"])
def test_bicubic_squares_of_lines_take_little_memory(fit):
    # A line of one color gives a square of it.
    for shape in ([2**20, 1, 3], [1, 2**20, 3]):
        line = np.full(shape, 200, np.uint8)
        view, _ = augmentation.evaluation_view(line, 60, fit)
        np.testing.assert_allclose(view, np.full([60, 60, 3], 200 / 255), 1e-6)


@pytest.mark.parametrize("fit", augmentation.FITS)
def test_a_dataset_makes_the_same_squares(photo, fit):
    shapes = tf.TensorSpec([None, None, 3], tf.uint8)
    images = [photo, photo[:90]]
    dataset = tf.data.Dataset.from_generator(
        lambda: images, output_signature=shapes
    ).map(lambda image: augmentation.evaluation_view(image, 32, fit))
    for image, (view, vector) in zip(images, dataset, strict=True):
        eager, same = augmentation.evaluation_view(image, 32, fit)
        np.testing.assert_allclose(view, eager, rtol=0, atol=1e-6)
        np.testing.assert_allclose(vector, same, rtol=0, atol=1e-7)
        assert view.shape == (32, 32, 3) and vector.shape == (11,)


def test_another_fit_is_named(photo):
    with pytest.raises(InputError, match="'corp'.* did you mean 'crop'"):
        augmentation.evaluation_view(photo, 32, "corp")
