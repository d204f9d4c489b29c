"""Images loaded for evaluation."""

import numpy as np
import pytest
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import BadSamples
from uniclip_keras.data import augmentation
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError

SIZE = 16


def test_load_images_keeps_order_and_names_what_is_left_out():
    encoded = [encode(smooth_pixels(number)) for number in range(5)]
    encoded[2] = encoded[2][:50]
    encoded[4] = encode(smooth_pixels(4, size=28))
    tally = BadSamples()
    options = {"bad_samples": tally, "max_pixels": 24 * 24, "batch_size": 2}
    images, vectors, kept = load_images(encoded, SIZE, keys="abcde", **options)
    np.testing.assert_array_equal(vectors, [augmentation.IDENTITY] * 3)
    assert kept.tolist() == [0, 1, 3]
    assert images.shape == (3, SIZE, SIZE, 3) and images.dtype == np.float32
    for image, index in zip(images, kept, strict=True):
        expected, _ = augmentation.evaluation_view(smooth_pixels(index), SIZE)
        np.testing.assert_allclose(image, expected, atol=1e-6)
    named = {bad.CORRUPT_IMAGE: ["c"], bad.OVERSIZE_IMAGE: ["e"]}
    assert tally.examples == named

    images, vectors, kept = load_images([], SIZE)
    assert images.shape == (0, SIZE, SIZE, 3) and kept.shape == (0,)
    assert vectors.shape == (0, augmentation.VECTOR_SIZE)


def test_images_come_fitted_with_their_vectors():
    pixels = smooth_pixels(0, size=24)[:, :18]
    encoded = [encode(pixels)]
    for fit in augmentation.FITS:
        (image,), (vector,), _ = load_images(encoded, SIZE, fit=fit)
        expected = augmentation.evaluation_view(pixels, SIZE, fit)
        np.testing.assert_allclose(image, expected[0], atol=1e-6)
        np.testing.assert_array_equal(vector, expected[1])
    with pytest.raises(InputError, match="'croop'.* did you mean 'crop'"):
        load_images(encoded, SIZE, fit="croop")
