"""Small images that stay in memory decoded."""

import numpy as np
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data.images.small import decode_small
from uniclip_keras.data.images.small import stack_pixels


def test_small_images_are_decoded_and_others_stay():
    images = [
        encode(smooth_pixels(0, size=24)),
        encode(smooth_pixels(1, size=132)),
        b"no image",
        encode(np.zeros([2, 200, 3], np.uint8)),
        encode(smooth_pixels(2, size=128)),
    ]
    samples = [{"image": image, "id": n} for n, image in enumerate(images)]
    found = decode_small(samples, max_pixels=10**6)
    assert [sample["id"] for sample in found] == [0, 1, 2, 3, 4]
    for number in (1, 2, 3):
        assert found[number] == samples[number]
    for number, name, size in ((0, 0, 24), (4, 2, 128)):
        assert found[number]["image"] == b""
        np.testing.assert_array_equal(
            found[number]["pixels"], smooth_pixels(name, size=size)
        )
    found = decode_small(samples, max_pixels=24 * 24)
    assert ["pixels" in sample for sample in found] == [True] + 4 * [False]


def test_pixels_of_several_sizes_in_one_array():
    first = np.full([2, 3, 3], 7, np.uint8)
    second = np.full([4, 1, 3], 9, np.uint8)
    samples = [{"pixels": first}, {"image": b"x"}, {"pixels": second}]
    pixels, shapes = stack_pixels(samples)
    assert pixels.shape == (3, 4, 3, 3)
    assert shapes.tolist() == [[2, 3], [0, 0], [4, 1]]
    np.testing.assert_array_equal(pixels[0, :2, :3], first)
    np.testing.assert_array_equal(pixels[2, :4, :1], second)
    assert pixels.sum() == first.sum() + second.sum()
    pixels, shapes = stack_pixels([])
    assert pixels.shape == (0, 0, 0, 3) and shapes.shape == (0, 2)
