"""Corruptions against slow twins, and their repetition."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import CORRUPTIONS
from uniclip_keras.evaluation import corrupt


@pytest.fixture(scope="module")
def images():
    """Three smooth images of 20 x 24 pixels."""
    rows, columns = np.mgrid[0:20, 0:24] / 24
    channels = [rows, columns, 0.5 + 0.4 * np.sin(9 * rows * columns)]
    image = np.stack(channels, axis=-1)
    return np.stack([image, image[::-1], 0.8 * image]).astype("float32")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_same_alone_in_a_batch_and_as_uint8(images, name):
    whole = corrupt(images, name, 3, seed=4)
    assert whole.shape == images.shape and whole.dtype == np.float32
    assert whole.min() >= 0 and whole.max() <= 1
    alone = corrupt(images[2:], name, 3, seed=4, start=2)
    np.testing.assert_allclose(whole[2:], alone, atol=1e-6)
    assert np.abs(whole - images).max() > 0.01
    counts = np.rint(255 * images).astype("uint8")
    found = corrupt(counts, name, 3, seed=4)
    assert found.dtype == np.uint8
    again = corrupt(counts / np.float32(255), name, 3, seed=4)
    np.testing.assert_array_equal(found, np.rint(255 * again))


@pytest.mark.parametrize("name", [x for x in CORRUPTIONS if x != "saturate"])
def test_severity_changes_more(images, name):
    change = [np.abs(corrupt(images, name, s) - images).mean() for s in (1, 5)]
    assert change[1] > 1.2 * change[0] > 0


@pytest.mark.parametrize(
    "name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"]
)
def test_noise_depends_on_seed_and_index(images, name):
    same = np.stack([images[0], images[0]])
    first, second = corrupt(same, name, 2)
    assert np.abs(first - second).max() > 0
    other, _ = corrupt(same, name, 2, seed=1)
    assert np.abs(first - other).max() > 0


def test_noises_have_the_given_strength():
    gray = np.full([1, 200, 200, 3], 0.5, "float32")
    assert corrupt(gray, "gaussian_noise", 1).std() == pytest.approx(
        0.08, rel=0.02
    )
    assert corrupt(gray, "speckle_noise", 1).std() == pytest.approx(
        0.15 * 0.5, rel=0.02
    )
    # A Poisson count of mean 30, divided by 60.
    shot = corrupt(gray, "shot_noise", 1)
    assert shot.std() == pytest.approx(30**0.5 / 60, rel=0.02)
    impulse = corrupt(gray, "impulse_noise", 5)
    for value in (0, 1):
        assert (impulse == value).mean() == pytest.approx(0.135, rel=0.05)


def test_blurs_equal_a_loop(images):
    image = images[0].astype(float)
    weights = np.exp(-0.5 * np.arange(-8, 9) ** 2 / 2**2)
    gaussian = np.outer(weights, weights) / weights.sum() ** 2
    distance = np.arange(-8, 9)
    disk = np.add.outer(distance**2, distance**2) <= 3**2
    # With sigma 0.1 the disk's edge stays as it is.
    for name, severity, kernel, border in (
        ("gaussian_blur", 2, gaussian, "edge"),
        ("defocus_blur", 1, disk / disk.sum(), "reflect"),
    ):
        padded = np.pad(image, [(8, 8), (8, 8), (0, 0)], border)
        expected = np.empty_like(image)
        for row in range(20):
            for column in range(24):
                window = padded[row : row + 17, column : column + 17]
                expected[row, column] = (window * kernel[..., None]).sum((0, 1))
        found = corrupt(images[:1], name, severity)[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_pixels_and_colors_by_hand(images):
    halves = corrupt(images[:1, :, :20], "pixelate", 3)[0]
    # 0.4 of 20 is 8: means over 2.5 pixels.
    first = (
        np.array([1, 1, 0.5])[:, None, None]
        * np.array([1, 1, 0.5])[:, None]
        * images[0, :3, :3]
    ).sum((0, 1)) / 6.25
    np.testing.assert_allclose(halves[0, 0], first, atol=1e-5)
    assert len(np.unique(halves[:, 0, 0])) == 8
    flat = np.array([[[[0.2, 0.4, 0.3], [0.6, 0.6, 0.6]]]], "float32")
    found = corrupt(flat, "contrast", 1)
    mean = flat.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(found, 0.4 * flat + 0.6 * mean, atol=1e-6)
    # Value is the highest channel; hue and saturation keep their ratios.
    found = corrupt(flat, "brightness", 1)
    expected = flat * (flat.max(-1) + 0.1)[..., None] / flat.max(-1)[..., None]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Gray has no saturation to change.
    found = corrupt(flat, "saturate", 1)
    top = flat.max(-1, keepdims=True)
    np.testing.assert_allclose(found, top - 0.3 * (top - flat), atol=1e-6)


def test_what_does_not_fit_is_refused(images):
    for arguments, words in (
        ((images, "gausian_noise", 1), "did you mean 'gaussian_noise'"),
        ((images, "contrast", 6), "severity=6: give 1, 2, 3, 4 or 5"),
        ((images[0], "contrast", 1), r"shape \(20, 24, 3\)"),
        ((images * 255, "contrast", 1), "not all in"),
        ((images * np.nan, "contrast", 1), "not all in"),
        ((images.astype(int), "contrast", 1), "int64 are not all in"),
    ):
        with pytest.raises(InputError, match=words):
            corrupt(*arguments)
