"""Random views: stateless, and replayed from their vectors.

The images are a photograph of Grace Hopper (US Navy, public domain) and a
drawing of a present (Minduka, Openclipart, public domain).
"""

import numpy as np
import pytest
import tensorflow as tf
from references import FIXTURES

from uniclip_keras.data import augmentation

RECIPE = augmentation.SLIP_RECIPE


@pytest.fixture(scope="module")
def images():
    """Real images of odd sizes: photo, strip of it, tile of it, drawing."""
    photo = tf.io.decode_image((FIXTURES / "grace_hopper.jpg").read_bytes())
    drawing = tf.io.decode_png(
        (FIXTURES / "present.png").read_bytes(), channels=3
    )
    photo, drawing = photo.numpy(), drawing.numpy()
    strip, tile = photo[200:271, :], photo[100:172, 220:292]
    return [photo[:599, :511], strip, tile, drawing[:, 9:]]


def dataset_of(images):
    return tf.data.Dataset.from_generator(
        lambda: images,
        output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
    )


def test_replay_rebuilds_200_views_of_real_images(images):
    def cut(index, image):
        shape = tf.shape(image)
        vectors = augmentation.sample_vectors(
            RECIPE, shape[0], shape[1], tf.stack([index, 7])
        )
        views = augmentation.apply_crop(image, vectors, 48)
        return views, vectors, index % len(images)

    def color(views, vectors, source):
        return augmentation.apply_color(views, vectors), vectors, source

    # Like an input pipeline: crops one by one, colors in batches.
    pipeline = dataset_of(images).repeat(17).enumerate().map(cut)
    pipeline = pipeline.batch(16).map(color)
    count, worst = 0, 0.0
    for views, vectors, sources in pipeline.as_numpy_iterator():
        for index, source in enumerate(sources):
            again = augmentation.replay(images[source], vectors[index], 48)
            worst = max(worst, np.abs(again - views[index]).max())
            count += len(again)
    assert count >= 200
    # Only rounding differs; the vector loses nothing.
    assert worst <= 1e-5


def test_same_seed_gives_the_same_views_eagerly_and_in_map(images):
    image = images[0]
    views, vectors = augmentation.random_views(image, RECIPE, [3, 4], 32)
    again, same = augmentation.random_views(image, RECIPE, [3, 4], 32)
    np.testing.assert_array_equal(views, again)
    np.testing.assert_array_equal(vectors, same)

    (mapped, drawn), *_ = dataset_of([image]).map(
        lambda image: augmentation.random_views(image, RECIPE, [3, 4], 32)
    )
    np.testing.assert_allclose(drawn, vectors, rtol=0, atol=1e-6)
    np.testing.assert_allclose(mapped, views, rtol=0, atol=1e-5)
    assert mapped.shape == (3, 32, 32, 3)
    assert mapped.dtype == drawn.dtype == tf.float32

    for seed in ([3, 5], [4, 4]):
        _, other = augmentation.random_views(image, RECIPE, seed, 8)
        assert np.abs(vectors - other).max(axis=1).min() > 0
    assert np.abs(vectors[1] - vectors[2]).max() > 0


@pytest.mark.parametrize("size", [32, 80])
def test_identity_views_are_replayed_eagerly_and_in_map(images, size):
    recipe = augmentation.recipe_from_config(
        [{"preset": "weak", "identity": 0.5}, {"identity": 1.0}]
    )

    def draw(index, image):
        seed = tf.stack([index, 5])
        return augmentation.random_views(image, recipe, seed, size)

    pipeline = dataset_of(images).repeat(2).enumerate().map(draw)
    seen = []
    for index, (views, vectors) in enumerate(pipeline.as_numpy_iterator()):
        image = images[index % len(images)]
        _, eager = draw(tf.constant(index, tf.int64), image)
        np.testing.assert_allclose(vectors, eager, rtol=0, atol=1e-6)
        again = augmentation.replay(image, vectors, size)
        np.testing.assert_allclose(again, views, rtol=0, atol=1e-5)
        seen.append((vectors == augmentation.IDENTITY).all(axis=1))
    first, second = np.transpose(seen)
    assert second.all() and set(first) == {False, True}


def test_random_views_are_their_vectors_replayed(images):
    image, recipe = images[3], [augmentation.STRONG]
    (view,), (vector,) = augmentation.random_views(image, recipe, [8, 9], 24)
    (drawn,) = augmentation.sample_vectors(recipe, *image.shape[:2], [8, 9])
    np.testing.assert_array_equal(vector, drawn)
    np.testing.assert_array_equal(view, augmentation.replay(image, vector, 24))

    recipe = [augmentation.IDENTITY_VIEW]
    _, (vector,) = augmentation.random_views(image, recipe, [0, 1], 40)
    np.testing.assert_array_equal(vector, augmentation.IDENTITY)
