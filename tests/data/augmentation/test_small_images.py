"""Views of many small images in one call."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.augmentation.small_images import crop_small_images

SHAPES = np.array([[72, 72], [28, 28], [20, 99], [128, 41], [1, 1]], np.int32)
SEEDS = np.array([[3, row] for row in range(len(SHAPES))])
RECIPE = (
    augmentation.IDENTITY_VIEW,
    augmentation.STRONG,
    augmentation.ViewRecipe(identity=0.5),
)


@pytest.fixture(scope="module")
def vectors():
    return augmentation.sample_many_vectors(RECIPE, SHAPES, SEEDS)


@pytest.fixture(scope="module")
def images():
    # What lies outside an image must not matter, so it is noise as well.
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, [len(SHAPES), 128, 99, 3], np.uint8)


def test_vectors_are_those_of_each_image(vectors):
    for found, shape, seed in zip(vectors, SHAPES, SEEDS, strict=True):
        alone = augmentation.sample_vectors(RECIPE, *shape.tolist(), seed)
        np.testing.assert_array_equal(found, alone)


def weights(corner, extent, flip, length, size):
    """The triangle of `resized_crop`, pixel by pixel in float64."""
    result = np.zeros([size, length])
    scale = extent / size
    reach = max(scale, 1.0)
    for output in range(size):
        center = corner + (output + 0.5) * scale
        for pixel in range(corner, corner + extent):
            distance = abs(pixel + 0.5 - center) / reach
            result[output, pixel] = max(0.0, 1.0 - distance)
    result /= result.sum(axis=1, keepdims=True)
    return result[::-1] if flip else result


@pytest.mark.parametrize("size", [16, 48])
def test_views_equal_loops_over_pixels(images, vectors, size):
    views = crop_small_images(images, SHAPES, vectors, size).numpy()
    assert views.shape == (len(SHAPES), len(RECIPE), size, size, 3)
    for image, (height, width), drawn, found in zip(
        images, SHAPES, vectors.numpy(), views, strict=True
    ):
        for vector, view in zip(drawn, found, strict=True):
            box = np.round(vector[:4] * [height, width, height, width])
            top, left, rows, columns = box.astype(int)
            vertical = weights(top, rows, False, height, size)
            horizontal = weights(left, columns, vector[4], width, size)
            pixels = image[:height, :width] / 255
            expected = np.einsum("oh,hwc,pw->opc", vertical, pixels, horizontal)
            np.testing.assert_allclose(view, expected, rtol=0, atol=1e-6)


def test_views_do_not_depend_on_what_is_cut_beside_them(images, vectors):
    together = crop_small_images(images, SHAPES, vectors, 32)
    for row, (height, width) in enumerate(SHAPES):
        alone = crop_small_images(
            images[row : row + 1, :height, :width],
            SHAPES[row : row + 1],
            vectors[row : row + 1],
            32,
        )
        # Some processors add sums of other lengths in another order.
        np.testing.assert_allclose(alone[0], together[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [32, 64])
def test_finished_views_are_their_vectors_replayed(images, vectors, size):
    def make(images, shapes, seeds):
        drawn = augmentation.sample_many_vectors(RECIPE, shapes, seeds)
        cut = augmentation.cut_small_images(images, shapes, drawn, size)
        return augmentation.finish_views(cut, drawn), drawn

    chunk = tf.data.Dataset.from_tensors((images, SHAPES, SEEDS)).map(make)
    views, drawn = chunk.get_single_element()
    np.testing.assert_array_equal(drawn, vectors)
    for image, shape, vector, found in zip(
        images, SHAPES, vectors, views, strict=True
    ):
        alone = image[: shape[0], : shape[1]]
        again = augmentation.replay(alone, vector, size)
        # TensorFlow's kernel rounds the positions of its pixels.
        np.testing.assert_allclose(found, again, rtol=0, atol=2e-5)
