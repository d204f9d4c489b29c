"""Crop, antialiased resize, flip and JPEG reduction."""

import numpy as np
import pytest
import tensorflow as tf
from references import CROPS
from references import FIXTURES
from references import REFERENCE

from uniclip_keras.data import augmentation
from uniclip_keras.data.augmentation import crop
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.errors import InputError


def box_vector(image, top, left, height, width):
    vector = augmentation.IDENTITY.copy()
    rows, columns = image.shape[:2]
    vector[:4] = top / rows, left / columns, height / rows, width / columns
    return vector


@pytest.mark.parametrize("size", [24, 48])
def test_resized_crop_equals_torchvision(size):
    image = REFERENCE["image"]
    cases = {key: case for key, case in CROPS.items() if case["size"] == size}
    assert len(cases) == 6
    sides = ("top", "left", "height", "width")
    boxes = ([case[side] for side in sides] for case in cases.values())
    vectors = [box_vector(image, *box) for box in boxes]
    all_mapped = tf.data.Dataset.from_tensor_slices(np.stack(vectors)).map(
        lambda vector: augmentation.replay(image, vector, size)
    )
    for key, vector, mapped in zip(cases, vectors, all_mapped, strict=True):
        eager = augmentation.replay(image, vector, size)
        # Other definitions of resizing differ by 1e-2.
        np.testing.assert_allclose(eager, REFERENCE[key], rtol=0, atol=2e-6)
        np.testing.assert_allclose(mapped, REFERENCE[key], rtol=0, atol=2e-6)


def test_flip_equals_torchvision():
    image = REFERENCE["image"]
    size = image.shape[:2]
    arguments = map(tf.constant, (image, [0, 0], size, True))
    flipped = crop.resized_crop(*arguments, size)
    expected = REFERENCE["case_18"] * 255
    np.testing.assert_allclose(flipped, expected, rtol=0, atol=1e-4)


def test_float_image_gives_the_view_of_its_uint8_twin():
    image = REFERENCE["image"]
    boxes = (3, 5, 30, 20), (0, 0, 9, 56)
    vectors = [box_vector(image, *box) for box in boxes]
    vectors[1][augmentation.LAYOUT.index("flip")] = 1
    from_bytes = augmentation.apply_crop(image, vectors, 16)
    from_floats = augmentation.apply_crop(image / 255.0, vectors, 16)
    assert from_bytes.shape == (2, 16, 16, 3)
    np.testing.assert_allclose(from_bytes, from_floats, rtol=0, atol=1e-6)
    first = augmentation.apply_crop(image, vectors[:1], 16)
    np.testing.assert_array_equal(from_bytes[:1], first)


def test_whole_pixel_boxes_survive_the_vector_and_others_are_moved():
    rng = np.random.default_rng(0)
    for height, width in [(1, 1), (72, 72), (375, 500), (65_535, 99_991)]:
        size = np.array([height, width])
        extents = 1 + np.floor(rng.random((500, 2)) * size).astype(int)
        corners = np.floor(rng.random((500, 2)) * (size - extents + 1))
        fractions = np.concatenate([corners / size, extents / size], axis=1)
        found = crop.pixel_boxes(tf.constant(fractions, tf.float32), size)
        np.testing.assert_array_equal(found[0], corners)
        np.testing.assert_array_equal(found[1], extents)
    boxes = tf.constant([[0.9, -0.2, 0.5, 0.5], [1.0, 1.0, 0.0, 0.0]])
    corners, extents = crop.pixel_boxes(boxes, [10, 20])
    np.testing.assert_array_equal(corners, [[9, 0], [9, 19]])
    np.testing.assert_array_equal(extents, [[1, 10], [1, 1]])


def test_extreme_shapes_give_finite_views():
    recipe = (*augmentation.SLIP_RECIPE, augmentation.IDENTITY_VIEW)
    shapes = tf.data.Dataset.from_tensor_slices(
        [(1, 500), (500, 1), (1, 1), (2, 3)]
    )

    def white_views(shape):
        white = tf.fill([shape[0], shape[1], 3], tf.constant(255, "uint8"))
        return augmentation.random_views(white, recipe, [1, 2], 8)

    for views, _ in shapes.map(white_views):
        assert np.isfinite(views).all()
        assert np.max(views) <= 1 + 1e-6
        # White stays white if nothing but the crop acts.
        np.testing.assert_allclose(views[0], 1, atol=1e-6)
        np.testing.assert_allclose(views[3], 1, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "vectors", "size", "message"),
    [
        (np.zeros((4, 4, 3), np.int32), np.zeros((1, 11)), 8, "int32"),
        (np.zeros((4, 4, 1), np.uint8), np.zeros((1, 11)), 8, r"\(4, 4, 1\)"),
        (np.zeros((4, 4), np.uint8), np.zeros((1, 11)), 8, r"\(4, 4\)"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((1, 9)), 8, "not 9"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros(11), 8, "how many views"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((1, 11)), 0, "size 0"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((1, 11)), 7.5, "size 7.5"),
    ],
)
def test_bad_input_is_named(image, vectors, size, message):
    with pytest.raises(InputError, match=message):
        augmentation.apply_crop(image, vectors, size)


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
    vectors = np.stack([augmentation.IDENTITY] * len(boxes))
    vectors[:, 2:4] = boxes
    found = augmentation.reduction(vectors, height, width, 224)
    assert found.dtype == tf.int32
    assert found == expected


def test_replay_from_the_reduced_source_image():
    encoded = (FIXTURES / "grace_hopper.jpg").read_bytes()
    recipe = augmentation.SLIP_RECIPE

    def source(encoded, vectors, size):
        shape = tf.unstack(image_shape(encoded))
        reduced = augmentation.reduction(vectors, *shape, size)
        return decode_image(encoded, reduced), reduced

    def cut(seed):
        shape = tf.unstack(image_shape(encoded))
        seed = tf.stack([seed, 5])
        vectors = augmentation.sample_vectors(recipe, *shape, seed)
        image, reduced = source(encoded, vectors, 32)
        views = augmentation.apply_crop(image, vectors, 32)
        return augmentation.apply_color(views, vectors), vectors, reduced

    seen = set()
    for views, vectors, reduced in tf.data.Dataset.range(6).map(cut):
        image, again = source(encoded, vectors, 32)
        seen.add(int(reduced))
        assert again == reduced
        rebuilt = augmentation.replay(image, vectors, 32)
        np.testing.assert_allclose(rebuilt, views, rtol=0, atol=1e-5)
    assert len(seen) > 1

    # Reduced views look like those of the whole image.
    whole, _ = augmentation.evaluation_view(decode_image(encoded), 64)
    reduced, _ = augmentation.evaluation_view(decode_image(encoded, 8), 64)
    assert np.abs(whole - reduced).mean() < 0.01
