import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.skipping import map_good
from uniclip_keras.data.threads import thread_options


@pytest.fixture
def samples(encode_image, pixels):
    """Eight samples: those of `broken` cut off, those of `wide` too large."""

    def make(broken=(), wide=()):
        images = [encode_image(pixels(number)) for number in range(8)]
        for number in broken:
            images[number] = images[number][:50]
        for number in wide:
            images[number] = encode_image(pixels(number, size=48))
        return tf.data.Dataset.from_tensor_slices(
            {"key": [f"k{number}" for number in range(8)], "image": images}
        )

    return make


def decode(number, sample):
    problem, image = decode_within(sample["image"], max_pixels=1000)
    return problem, {"number": number, "image": image}


def numbers_of(dataset):
    dataset = dataset.with_options(thread_options(2))
    return [int(element["number"]) for element in dataset]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "broken", [(), (0,), (7,), (2, 3, 4), (6, 7), tuple(range(8))]
)
def test_failures_are_counted_wherever_they_are(samples, broken, threads):
    tally = BadSamples()
    good = map_good(samples(broken), decode, tally, num_parallel_calls=threads)
    assert numbers_of(good) == [n for n in range(8) if n not in broken]
    assert tally.skipped == len(broken)
    if broken:
        assert tally.counts == {bad.CORRUPT_IMAGE: len(broken)}
        # The last of a row of failures is the one that is named.
        assert f"k{broken[-1]}" in tally.examples[bad.CORRUPT_IMAGE]


def test_problems_are_counted_by_kind_and_key(samples, pixels):
    tally = BadSamples()
    good = map_good(samples(broken=(1, 5), wide=(0, 5, 6)), decode, tally)
    elements = list(good.with_options(thread_options(1)))
    assert [int(element["number"]) for element in elements] == [2, 3, 4, 7]
    for element in elements:
        np.testing.assert_array_equal(
            element["image"], pixels(int(element["number"]))
        )
    assert tally.counts == {bad.CORRUPT_IMAGE: 1, bad.OVERSIZE_IMAGE: 3}
    assert tally.examples[bad.OVERSIZE_IMAGE] == ["k0", "k5", "k6"]


def test_endless_passes_number_all_samples(samples):
    tally = BadSamples()
    good = map_good(samples(broken=(3,)), decode, tally, passes=None)
    numbers = numbers_of(good.take(16))
    # Nine to a pass: the end of each has a number of its own.
    assert numbers == [n for n in range(20) if n % 9 not in (3, 8)]
    assert tally.counts[bad.CORRUPT_IMAGE] >= 2


def test_a_pass_without_a_good_sample_is_an_error(samples):
    good = map_good(samples(broken=range(8)), decode, passes=None)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not one good"):
        numbers_of(good.take(1))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_pixel_limit_is_that_of_the_header(
    encode_image, pixels, image_format
):
    image = encode_image(pixels(0), image_format)
    for limit, problem in ((576, b""), (575, bad.OVERSIZE_IMAGE.encode())):
        found, decoded = decode_within(tf.constant(image), limit)
        assert found == problem
        assert decoded.shape == ((24, 24, 3) if not problem else (1, 1, 3))


def test_an_image_bomb_takes_no_memory(encode_image, pixels):
    """A PNG that claims 60,000 by 60,000 pixels, 11 GB when decoded."""
    image = encode_image(pixels(0))
    bomb = image[:16] + (60_000).to_bytes(4, "big") * 2 + image[24:]
    problem, decoded = decode_within(tf.constant(bomb))
    assert problem == bad.OVERSIZE_IMAGE.encode()
    assert decoded.shape == (1, 1, 3)
