"""The color operations against torchvision and a slow twin in NumPy."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf
from references import COLORS
from references import REFERENCE

from uniclip_keras.data import augmentation
from uniclip_keras.data.augmentation import color

BLURS = [name for name in COLORS if name.endswith("gaussian_blur")]
# A hundred times stricter than what the references are meant for.
TOLERANCE = 2e-5


def apply_case(image, case):
    """Applies the operation of a reference to a float image `[H, W, 3]`."""
    operation = case["op"]
    if operation == "colour_jitter_in_order":
        vector = augmentation.IDENTITY.copy()
        vector[5:8] = [case[n] - 1 for n in augmentation.LAYOUT[5:8]]
        vector[augmentation.LAYOUT.index("hue")] = case["hue"]
        return augmentation.apply_color(image, vector)
    names = {"hue": "shift", "gaussian_blur": "sigma"}
    amount = case.get(names.get(operation, "factor"), 1.0)
    operate = getattr(color, operation)
    planes = operate(color.to_planes(image[None]), tf.constant([amount]))
    return color.from_planes(planes)[0]


# The kernel of case 21 is too short for its sigma; ours never is.
@pytest.mark.parametrize("name", [n for n in COLORS if "case_21" not in n])
def test_equals_torchvision(name):
    case = COLORS[name]
    image = tf.constant(REFERENCE["image"] / np.float32(255))
    expected = REFERENCE[case["key"]]

    eager = apply_case(image, case)
    dataset = tf.data.Dataset.from_tensors(image)
    (mapped,) = dataset.map(lambda image: apply_case(image, case))

    np.testing.assert_allclose(eager, expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(mapped, expected, rtol=0, atol=TOLERANCE)


def slow_blur(image, sigma, reach):
    """Blurs with a kernel cut off at `reach` pixels, in float64."""
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        padding = [(reach, reach) if i == axis else (0, 0) for i in range(3)]
        image = np.pad(image, padding, mode="reflect")
        image = np.apply_along_axis(np.convolve, axis, image, taps, "valid")
    return image


@pytest.mark.parametrize("name", BLURS)
def test_slow_blur_equals_torchvision(name):
    case = COLORS[name]
    reach = case["kernel_size"] // 2
    blurred = slow_blur(REFERENCE["image"] / 255, case["sigma"], reach)
    expected = REFERENCE[case["key"]]
    np.testing.assert_allclose(blurred, expected, rtol=0, atol=TOLERANCE)


def test_blur_with_a_complete_kernel_equals_the_slow_one():
    """The reference of nine taps cuts off a Gaussian of sigma 2."""
    image = REFERENCE["image"] / np.float32(255)
    reach = min(image.shape[:2]) - 1
    expected = slow_blur(image.astype(np.float64), 2.0, reach)
    planes = color.to_planes(image[None])
    blurred = color.gaussian_blur(planes, tf.constant([2.0]))
    blurred = color.from_planes(blurred)[0]
    np.testing.assert_allclose(blurred, expected, rtol=0, atol=TOLERANCE)
    cut_off = REFERENCE["case_21"]
    np.testing.assert_allclose(blurred, cut_off, rtol=0, atol=1.3e-2)

    # A blur of zero, and one of a single pixel, change nothing.
    planes = np.random.default_rng(0).random((2, 3, 5, 7), np.float32)
    unchanged = color.gaussian_blur(planes, tf.zeros([2]))
    np.testing.assert_array_equal(unchanged, planes)

    pixel = planes[:, :, :1, :1]
    blurred = color.gaussian_blur(pixel, tf.constant([0.5, 9.0]))
    np.testing.assert_allclose(blurred, pixel, rtol=1e-6)


def slow_color(view, vector):
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
    return slow_blur(view, sigma, min(view.shape[:2]) - 1) if sigma else view


def random_vectors(count):
    recipe = [augmentation.WEAK, *[augmentation.STRONG] * (count - 1)]
    return augmentation.sample_vectors(recipe, 30, 40, [5, 6]).numpy()


def test_chain_equals_slow_twin():
    views = np.random.default_rng(1).random((20, 13, 13, 3), np.float32)
    vectors = random_vectors(20)
    # Strong enough for every clip to act.
    vectors[10:, 5:8] *= 2
    fast = augmentation.apply_color(views, vectors)
    slow = list(map(slow_color, views, vectors))
    np.testing.assert_allclose(fast, slow, rtol=0, atol=TOLERANCE)


def test_batch_equals_one_view_at_a_time_in_any_leading_shape():
    views = np.random.default_rng(2).random((2, 6, 9, 9, 3), np.float32)
    vectors = random_vectors(12).reshape(2, 6, 11)
    batched = augmentation.apply_color(views, vectors).numpy()
    (mapped,) = tf.data.Dataset.from_tensors((views, vectors)).map(
        augmentation.apply_color
    )
    assert mapped.shape == views.shape
    for index in np.ndindex(2, 6):
        single = augmentation.apply_color(views[index], vectors[index])
        np.testing.assert_allclose(batched[index], single, atol=1e-6)
        np.testing.assert_allclose(mapped[index], single, atol=1e-6)


def test_views_that_ask_for_nothing_come_back_bit_for_bit():
    views = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    vectors = np.stack([augmentation.IDENTITY] * 3)
    same = augmentation.apply_color(views, vectors)
    np.testing.assert_array_equal(same, views)

    vectors[1, augmentation.LAYOUT.index("blur")] = 0.5
    mixed = augmentation.apply_color(views, vectors).numpy()
    np.testing.assert_array_equal(mixed[[0, 2]], views[[0, 2]])
    assert np.abs(mixed[1] - views[1]).max() > 0.1
