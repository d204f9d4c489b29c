"""Large views against small ones and torchvision."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from references import CROPS
from references import FIXTURES
from references import REFERENCE

from uniclip_keras import xla
from uniclip_keras.data import augmentation
from uniclip_keras.data.augmentation import large_views as large
from uniclip_keras.data.augmentation.resampling import from_columns
from uniclip_keras.data.augmentation.resampling import resized_columns

ENTRY = {name: index for index, name in enumerate(augmentation.LAYOUT)}
SIZE = 64

pytestmark = pytest.mark.usefixtures("with_xla")


@pytest.fixture(scope="module")
def photo():
    photo = tf.io.decode_image((FIXTURES / "grace_hopper.jpg").read_bytes())
    return photo[:301, :257]


@pytest.fixture(scope="module")
def vectors():
    """Vectors of each blur, jittered, gray, or only cropped."""
    recipe = [augmentation.WEAK, *[augmentation.STRONG] * 7]
    vectors = augmentation.sample_vectors(recipe, 301, 257, [1, 2]).numpy()
    vectors[:5, ENTRY["blur"]] = 0.4, 0.9, 1.6, 0.0, 0.01
    vectors[1:3, ENTRY["flip"]] = 1, 0
    vectors[3:5, ENTRY["brightness"] : ENTRY["blur"]] = 0
    vectors[5, ENTRY["grayscale"]] = 1
    # Strong enough for every clip to act.
    vectors[6:, ENTRY["brightness"] : ENTRY["hue"]] = 0.8, -0.7, 0.9
    return vectors


def test_large_views_equal_crop_and_color(photo, vectors):
    expected = augmentation.apply_crop(photo, vectors, SIZE)
    expected = augmentation.apply_color(expected, vectors)
    eager = augmentation.replay(photo, vectors, SIZE)
    (mapped,) = tf.data.Dataset.from_tensors(photo).map(
        lambda image: augmentation.replay(image, vectors, SIZE)
    )
    assert mapped.shape == eager.shape == (8, SIZE, SIZE, 3)
    np.testing.assert_allclose(eager, expected, rtol=0, atol=3e-5)
    np.testing.assert_allclose(mapped, eager, rtol=0, atol=1e-5)
    # A single view equals one of many, and floats give the same as bytes.
    single = augmentation.replay(photo / 255, vectors[2], SIZE)
    np.testing.assert_allclose(single, eager[2], rtol=0, atol=1e-5)


def test_without_xla(photo, vectors, monkeypatch):
    expected = augmentation.replay(photo, vectors[:3], SIZE)
    # The traced function would keep its compiled operations.
    monkeypatch.setattr(large, "_view", large._view.python_function)
    monkeypatch.setattr(xla, "_has_xla", lambda: False)
    compiled = functools.cache(xla.compiled.__wrapped__)
    monkeypatch.setattr(large, "compiled", compiled)
    plain = augmentation.replay(photo, vectors[:3], SIZE)
    np.testing.assert_allclose(plain, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("key", CROPS)
def test_resize_equals_torchvision(key):
    case, image = CROPS[key], REFERENCE["image"]
    corner = tf.constant([case["top"], case["left"]])
    extent = tf.constant([case["height"], case["width"]])
    plain, flipped = (
        from_columns(resized_columns(image, corner, extent, flip, case["size"]))
        for flip in (tf.constant(False), tf.constant(True))
    )
    np.testing.assert_allclose(plain, REFERENCE[key], rtol=0, atol=2e-6)
    np.testing.assert_array_equal(flipped, plain[:, ::-1])


@pytest.mark.parametrize("flip", [False, True])
def test_huge_crops_stay_bytes(flip, photo, monkeypatch):
    arguments = photo, tf.constant([20, 9]), tf.constant([201, 148]), flip, 40
    expected = large._cut(*arguments)
    monkeypatch.setattr(large, "MOST_PIXELS", 201 * 148 - 1)
    monkeypatch.delattr(large, "resized_columns")
    found = large._cut(*arguments)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_extreme_shapes_stay_white():
    for shape in [(1, 500), (500, 1), (1, 1), (2, 3)]:
        image = np.full((*shape, 3), 255, np.uint8)
        view = augmentation.replay(image, augmentation.IDENTITY, SIZE)
        np.testing.assert_allclose(view, 1, atol=1e-6)


@pytest.mark.parametrize("size", [SIZE, 24])
@pytest.mark.parametrize("dtype", augmentation.DTYPES)
def test_pipelines_make_the_views_that_replay_makes(
    size, dtype, photo, vectors
):
    some = vectors[:3]
    dataset = tf.data.Dataset.from_tensors(photo).repeat(2)
    dataset = dataset.map(
        lambda image: (augmentation.cut_views(image, some, size, dtype), some)
    )
    dataset = dataset.batch(2)
    (views,) = dataset.map(
        lambda *batch: augmentation.finish_views(*batch, dtype)
    )
    assert views.dtype == dtype
    atol = 1e-5
    if dtype == "uint8":
        # Rounding is off by half a step at most.
        views, atol = views / 255, 0.5 / 255 + 1e-5
    expected = augmentation.replay(photo, some, size)
    assert views.shape == (2, 3, size, size, 3)
    for made in views:
        np.testing.assert_allclose(made, expected, rtol=0, atol=atol)
