"""Images loaded for evaluation."""

import numpy as np
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import BadSamples
from uniclip_keras.data import augmentation
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import load_images

SIZE = 16


def test_load_images_keeps_order_and_names_what_is_left_out():
    encoded = [encode(smooth_pixels(number)) for number in range(5)]
    encoded[2] = encoded[2][:50]
    encoded[4] = encode(smooth_pixels(4, size=28))
    tally = BadSamples()
    options = {"bad_samples": tally, "max_pixels": 24 * 24, "batch_size": 2}
    images, kept = load_images(encoded, SIZE, keys="abcde", **options)
    assert kept.tolist() == [0, 1, 3]
    assert images.shape == (3, SIZE, SIZE, 3) and images.dtype == np.float32
    for image, index in zip(images, kept, strict=True):
        expected = augmentation.evaluation_view(smooth_pixels(index), SIZE)
        np.testing.assert_allclose(image, expected, atol=1e-6)
    named = {bad.CORRUPT_IMAGE: ["c"], bad.OVERSIZE_IMAGE: ["e"]}
    assert tally.examples == named

    images, kept = load_images([], SIZE)
    assert images.shape == (0, SIZE, SIZE, 3) and kept.shape == (0,)
