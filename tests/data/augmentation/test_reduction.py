"""How far JPEGs are reduced, and that their vectors still rebuild views."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"


def vectors_of(*boxes):
    vectors = np.stack([augmentation.IDENTITY] * len(boxes))
    vectors[:, 2:4] = boxes
    return vectors


@pytest.mark.parametrize(
    ("boxes", "height", "width", "expected"),
    [
        ([(1.0, 1.0)], 375, 500, 1),
        ([(1.0, 1.0)], 447, 448, 1),
        ([(1.0, 1.0)], 448, 448, 2),
        ([(1.0, 1.0)], 896, 896, 4),
        ([(1.0, 1.0)], 1792, 1792, 8),
        ([(1.0, 1.0)], 9000, 9000, 8),
        # The smallest crop decides, by its area.
        ([(1.0, 1.0), (0.5, 0.5)], 1792, 1792, 4),
        ([(0.25, 1.0)], 1792, 1792, 4),
        ([(0.1, 0.1)], 1792, 1792, 1),
    ],
)
def test_crops_keep_their_pixels(boxes, height, width, expected):
    found = augmentation.reduction(vectors_of(*boxes), height, width, 224)
    assert found.dtype == tf.int32
    assert found == expected


def test_replay_from_the_reduced_source_image():
    encoded = (FIXTURES / "grace_hopper.jpg").read_bytes()
    recipe = augmentation.SLIP_RECIPE

    def source(encoded, vectors, size):
        height, width = tf.unstack(image_shape(encoded))
        reduced = augmentation.reduction(vectors, height, width, size)
        return decode_image(encoded, reduced), reduced

    def cut(seed):
        height, width = tf.unstack(image_shape(encoded))
        vectors = augmentation.sample_vectors(
            recipe, height, width, tf.stack([seed, 5])
        )
        image, reduced = source(encoded, vectors, 32)
        views = augmentation.geometric(image, vectors, 32)
        return augmentation.photometric(views, vectors), vectors, reduced

    seen = set()
    for views, vectors, reduced in tf.data.Dataset.range(12).map(cut):
        image, again = source(encoded, vectors, 32)
        seen.add(int(reduced))
        assert again == reduced
        rebuilt = augmentation.replay(image, vectors, 32)
        np.testing.assert_allclose(rebuilt, views, rtol=0, atol=1e-5)
    assert len(seen) > 1


def test_reduced_views_look_like_the_whole_images():
    encoded = (FIXTURES / "grace_hopper.jpg").read_bytes()
    whole = augmentation.evaluation_view(decode_image(encoded), 64)
    reduced = augmentation.evaluation_view(decode_image(encoded, 8), 64)
    assert np.abs(whole - reduced).mean() < 0.01
