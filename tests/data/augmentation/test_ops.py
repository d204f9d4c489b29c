"""The photometric operations against torchvision and a slow twin."""

import colorsys
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.augmentation import ops

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"
REFERENCE = np.load(FIXTURES / "torchvision_ops.npz")
CASES = {
    f"{case['key']}-{case['op']}": case
    for case in json.loads((FIXTURES / "torchvision_ops.json").read_text())[
        "cases"
    ]
    if case["op"] not in ("resized_crop", "horizontal_flip")
}
# A hundred times stricter than the 2e-3 that the references are meant for.
TOLERANCE = 2e-5


def apply_case(image, case):
    """`[H, W, 3]` float to `[H, W, 3]`, as the reference's entry says."""
    operation = case["op"]
    if operation == "colour_jitter_in_order":
        vector = augmentation.IDENTITY.copy()
        for name in ("brightness", "contrast", "saturation"):
            vector[augmentation.LAYOUT.index(name)] = case[name] - 1
        vector[augmentation.LAYOUT.index("hue")] = case["hue"]
        return augmentation.photometric(image, vector)
    planes = ops.to_planes(image[None])
    if operation == "hue":
        planes = ops.hue(planes, tf.constant([case["shift"]]))
    elif operation == "grayscale":
        planes = ops.grayscale(planes, tf.constant([1.0]))
    elif operation == "gaussian_blur":
        sigma = tf.constant([case["sigma"]])
        planes = ops.gaussian_blur(planes, sigma, case["kernel_size"])
    else:
        function = getattr(ops, operation)
        planes = function(planes, tf.constant([case["factor"]]))
    return ops.from_planes(planes)[0]


@pytest.mark.parametrize("name", CASES)
def test_equals_torchvision(name):
    case = CASES[name]
    image = tf.constant(REFERENCE["image"] / np.float32(255))
    expected = REFERENCE[case["key"]]

    eager = apply_case(image, case)
    dataset = tf.data.Dataset.from_tensors(image)
    (mapped,) = dataset.map(lambda image: apply_case(image, case))

    np.testing.assert_allclose(eager, expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(mapped, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("key", "sigma", "distance"),
    [
        ("case_20", 0.8, 1e-5),
        ("case_22", 2.0, 1e-5),
        # Nine taps cut a Gaussian of sigma 2 off; views never do.
        ("case_21", 2.0, 1.3e-2),
    ],
)
def test_distance_of_the_uncut_kernel_from_torchvisions(key, sigma, distance):
    planes = ops.to_planes(REFERENCE["image"][None] / np.float32(255))
    blurred = ops.from_planes(ops.gaussian_blur(planes, tf.constant([sigma])))
    np.testing.assert_allclose(
        blurred[0], REFERENCE[key], rtol=0, atol=distance
    )


def test_blur_of_zero_and_of_a_single_pixel_change_nothing():
    planes = np.random.default_rng(0).random((2, 3, 5, 7), np.float32)
    unchanged = ops.gaussian_blur(planes, tf.zeros([2]))
    np.testing.assert_array_equal(unchanged, planes)

    pixel = planes[:, :, :1, :1]
    blurred = ops.gaussian_blur(pixel, tf.constant([0.5, 9.0]))
    np.testing.assert_allclose(blurred, pixel, rtol=1e-6)


def slow_photometric(view, vector):
    """The definition, pixel by pixel in float64."""
    named = dict(zip(augmentation.LAYOUT, vector.tolist(), strict=True))
    luma = np.array([0.2989, 0.587, 0.114])
    view = np.clip(view.astype(np.float64) * (1 + named["brightness"]), 0, 1)
    factor = 1 + named["contrast"]
    mean = (view @ luma).mean()
    view = np.clip(factor * view + (1 - factor) * mean, 0, 1)
    factor = 1 + named["saturation"]
    gray = (view @ luma)[..., None]
    view = np.clip(factor * view + (1 - factor) * gray, 0, 1)
    for row, column in np.ndindex(view.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*view[row, column])
        hue = (hue + named["hue"]) % 1
        view[row, column] = colorsys.hsv_to_rgb(hue, saturation, value)
    if named["grayscale"]:
        view = np.repeat((view @ luma)[..., None], 3, axis=-1)
    sigma = 2 * named["blur"]
    if sigma:
        reach = min(view.shape[:2]) - 1
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        taps /= taps.sum()
        for axis in (0, 1):
            padding = [(0, 0)] * 3
            padding[axis] = (reach, reach)
            padded = np.pad(view, padding, mode="reflect")
            view = np.apply_along_axis(
                np.convolve, axis, padded, taps, mode="valid"
            )
    return view


def random_vectors(count):
    recipe = [augmentation.WEAK, *[augmentation.STRONG] * (count - 1)]
    return augmentation.sample_vectors(recipe, 30, 40, [5, 6]).numpy()


def test_chain_equals_slow_twin():
    views = np.random.default_rng(1).random((20, 13, 13, 3), np.float32)
    vectors = random_vectors(20)
    # Strong enough for every clip to act.
    vectors[10:, 5:8] *= 2
    fast = augmentation.photometric(views, vectors)
    slow = [
        slow_photometric(view, vector)
        for view, vector in zip(views, vectors, strict=True)
    ]
    np.testing.assert_allclose(fast, slow, rtol=0, atol=TOLERANCE)


def test_batch_equals_one_view_at_a_time_in_any_leading_shape():
    views = np.random.default_rng(2).random((2, 6, 9, 9, 3), np.float32)
    vectors = random_vectors(12).reshape(2, 6, 11)
    batched = augmentation.photometric(views, vectors).numpy()
    (mapped,) = tf.data.Dataset.from_tensors((views, vectors)).map(
        augmentation.photometric
    )
    assert mapped.shape == views.shape
    for index in np.ndindex(2, 6):
        single = augmentation.photometric(views[index], vectors[index])
        np.testing.assert_allclose(batched[index], single, atol=1e-6)
        np.testing.assert_allclose(mapped[index], single, atol=1e-6)


def test_views_that_ask_for_nothing_come_back_bit_for_bit():
    views = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    vectors = np.stack([augmentation.IDENTITY] * 3)
    same = augmentation.photometric(views, vectors)
    np.testing.assert_array_equal(same, views)

    vectors[1, augmentation.LAYOUT.index("blur")] = 0.5
    mixed = augmentation.photometric(views, vectors).numpy()
    np.testing.assert_array_equal(mixed[[0, 2]], views[[0, 2]])
    assert np.abs(mixed[1] - views[1]).max() > 0.1
