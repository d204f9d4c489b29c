"""Corruptions of images at five severities, as in ImageNet-C.

Kinds and values are those of ImageNet-C (Hendrycks and Dietterich 2019, github
hendrycks/robustness), given there for images of 224 px. They are the same here
for every size: blurs are in pixels and so are worse for smaller images. Left
out are the kinds that need textures or other libraries (motion, zoom and glass
blur, snow, frost, fog, elastic).
"""

import numpy as np
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest


def corrupt(images, name, severity, seed=0, start=0):
    """Corrupts images; the same in any batch, for a seed.

    Args:
        images: Array `[n, h, w, 3]`, uint8 or float in [0, 1].
        name: String, see `CORRUPTIONS`.
        severity: int, 1 to 5.
        seed: int. Seed of the noise, which also depends on an image's index.
        start: int. Index of the first image, where these are a batch.

    Returns:
        An array as given: the same shape and type, uint8 values rounded.

    Raises:
        InputError: For an unknown name or severity, or other images.
    """
    if name not in _KINDS:
        raise InputError(
            f"The corruption {name!r} is unknown{suggest(name, _KINDS)}."
        )
    if severity not in (1, 2, 3, 4, 5):
        raise InputError(f"severity={severity!r}: give 1, 2, 3, 4 or 5.")
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(
            f"The images have shape {images.shape}; give [n, h, w, 3]."
        )
    whole = images.dtype == np.uint8
    unit = images.astype(np.float32) / (255 if whole else 1)
    # Resized images may pass the ends by a rounding error.
    if not whole and not (
        np.issubdtype(images.dtype, np.floating)
        and np.all(np.abs(unit - 0.5) <= 0.5 + 1e-5)
    ):
        raise InputError(
            f"The images of type {images.dtype} are not all in [0, 1]; give "
            "floats in [0, 1] or uint8."
        )
    apply, values = _KINDS[name]
    value = values[severity - 1]
    if apply in _NOISES:
        rngs = (
            np.random.default_rng([seed, start + i]) for i in range(len(unit))
        )
        pairs = zip(unit, rngs, strict=True)
        result = np.stack([apply(x, value, rng) for x, rng in pairs])
    else:
        result = np.asarray(apply(unit, value))
    result = np.clip(result, 0, 1)
    if whole:
        return np.rint(255 * result).astype(np.uint8)
    return result.astype(images.dtype)


def _gaussian_noise(image, deviation, rng):
    return image + rng.normal(0, deviation, image.shape)


def _shot_noise(image, photons, rng):
    return rng.poisson(image * photons) / photons


def _impulse_noise(image, amount, rng):
    """Salt and pepper, on each channel by itself."""
    hit, salt = rng.random(image.shape) < amount, rng.random(image.shape) < 0.5
    return np.where(hit, salt, image)


def _speckle_noise(image, deviation, rng):
    return image + image * rng.normal(0, deviation, image.shape)


def _gaussian_blur(images, sigma):
    kernel = _gaussian(int(4 * sigma + 0.5), sigma)
    images = _filter(images, kernel[:, None], "edge")
    return _filter(images, kernel[None, :], "edge")


def _defocus_blur(images, radius_and_sigma):
    radius, sigma = radius_and_sigma
    return _filter(images, _disk(radius, sigma), "reflect")


def _disk(radius, sigma):
    """A disk, its edge softened by a small Gaussian filter."""
    reach = max(8, radius)
    distance = np.arange(-reach, reach + 1)
    disk = distance[:, None] ** 2 + distance**2 <= radius**2
    soft = _gaussian(1 if radius <= 8 else 2, sigma)
    disk = np.repeat(disk[None, ..., None] / disk.sum(), 3, axis=-1)
    soft = soft[:, None] * soft
    return _filter(disk.astype(np.float32), soft, "reflect")[0, ..., 0]


def _brightness(images, amount):
    hue, saturation, value = np.moveaxis(_to_hsv(images), -1, 0)
    return _from_hsv(hue, saturation, value + amount)


def _saturate(images, scale_and_shift):
    scale, shift = scale_and_shift
    hue, saturation, value = np.moveaxis(_to_hsv(images), -1, 0)
    return _from_hsv(hue, saturation * scale + shift, value)


def _contrast(images, scale):
    mean = images.mean(axis=(1, 2), keepdims=True)
    return (images - mean) * scale + mean


def _pixelate(images, share):
    size = images.shape[1:3]
    small = [max(1, int(side * share)) for side in size]
    return tf.image.resize(
        tf.image.resize(images, small, "area"), size, "nearest"
    )


def _jpeg_compression(images, quality):
    images = np.rint(255 * images).astype(np.uint8)
    encoded = [tf.io.encode_jpeg(x, quality=quality) for x in images]
    return np.stack([tf.io.decode_jpeg(x) for x in encoded]) / 255


def _gaussian(reach, sigma):
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return weights / weights.sum()


def _filter(images, kernel, border):
    """Filters each channel of `[n, h, w, 3]` with `[a, b]`, a and b odd."""
    pads = [(side // 2, side // 2) for side in kernel.shape]
    padded = np.pad(images, [(0, 0), *pads, (0, 0)], border)
    kernel = np.repeat(kernel[..., None, None], 3, axis=2)
    return tf.nn.depthwise_conv2d(
        padded, kernel.astype(np.float32), [1, 1, 1, 1], "VALID"
    ).numpy()


def _to_hsv(images):
    return tf.image.rgb_to_hsv(images).numpy()


def _from_hsv(hue, saturation, value):
    saturation, value = np.clip(saturation, 0, 1), np.clip(value, 0, 1)
    return tf.image.hsv_to_rgb(np.stack([hue, saturation, value], axis=-1))


_NOISES = (_gaussian_noise, _shot_noise, _impulse_noise, _speckle_noise)
# A value for each severity.
_KINDS = {
    "gaussian_noise": (_gaussian_noise, (0.08, 0.12, 0.18, 0.26, 0.38)),
    "shot_noise": (_shot_noise, (60, 25, 12, 5, 3)),
    "impulse_noise": (_impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "speckle_noise": (_speckle_noise, (0.15, 0.2, 0.35, 0.45, 0.6)),
    "gaussian_blur": (_gaussian_blur, (1, 2, 3, 4, 6)),
    "defocus_blur": (
        _defocus_blur,
        ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    ),
    "brightness": (_brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "saturate": (
        _saturate,
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
    ),
    "contrast": (_contrast, (0.4, 0.3, 0.2, 0.1, 0.05)),
    "pixelate": (_pixelate, (0.6, 0.5, 0.4, 0.3, 0.25)),
    "jpeg_compression": (_jpeg_compression, (25, 18, 15, 10, 7)),
}
CORRUPTIONS = tuple(_KINDS)
