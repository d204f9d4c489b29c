"""Skipping and counting samples for which a map fails."""

import numpy as np
import pytest
import tensorflow as tf
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.python_calls import thread_options
from uniclip_keras.data.skipping import map_good


def samples(broken=(), wide=()):
    """Eight samples: those of `broken` cut off, those of `wide` too large."""
    images = [encode(smooth_pixels(number)) for number in range(8)]
    for number in broken:
        images[number] = images[number][:50]
    for number in wide:
        images[number] = encode(smooth_pixels(number, size=48))
    keys = [f"k{number}" for number in range(8)]
    return tf.data.Dataset.from_tensor_slices({"key": keys, "image": images})


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
def test_failures_are_counted_wherever_they_are(broken, threads):
    tally = BadSamples()
    good = map_good(samples(broken), decode, tally, num_parallel_calls=threads)
    assert numbers_of(good) == [n for n in range(8) if n not in broken]
    assert tally.skipped == len(broken)
    if broken:
        assert tally.counts == {bad.CORRUPT_IMAGE: len(broken)}
        # The last of a row of failures is the one that is named.
        assert f"k{broken[-1]}" in tally.examples[bad.CORRUPT_IMAGE]


def test_problems_are_counted_by_kind_and_key():
    tally = BadSamples()
    good = map_good(samples(broken=(1, 5), wide=(0, 5, 6)), decode, tally)
    elements = list(good.with_options(thread_options(1)))
    numbers = [int(element["number"]) for element in elements]
    assert numbers == [2, 3, 4, 7]
    for number, element in zip(numbers, elements, strict=True):
        np.testing.assert_array_equal(element["image"], smooth_pixels(number))
    assert tally.counts == {bad.CORRUPT_IMAGE: 1, bad.OVERSIZE_IMAGE: 3}
    assert tally.examples[bad.OVERSIZE_IMAGE] == ["k0", "k5", "k6"]


def test_endless_passes_number_all_samples_and_need_a_good_one():
    tally = BadSamples()
    good = map_good(samples(broken=(3,)), decode, tally, passes=None)
    numbers = numbers_of(good.take(16))
    # Nine to a pass: the end of each has a number of its own.
    assert numbers == [n for n in range(20) if n % 9 not in (3, 8)]
    assert tally.counts[bad.CORRUPT_IMAGE] >= 2

    # A pass without a good sample is an error.
    good = map_good(samples(broken=range(8)), decode, passes=None)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not one good"):
        numbers_of(good.take(1))
