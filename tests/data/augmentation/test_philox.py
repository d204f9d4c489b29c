"""The random numbers of TensorFlow, for many seeds at once."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data.augmentation import philox

SEEDS = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, [12, 2])
SEEDS[:4] = [[0, 0], [7, 123_456], [-1, 1], [1, -1]]


def test_numbers_are_those_of_tensorflow():
    for shape in ((3,), (2, 33)):
        expected = [
            tf.random.stateless_uniform(shape, seed, alg="philox")
            for seed in SEEDS
        ]
        np.testing.assert_array_equal(philox.uniform(SEEDS, shape), expected)
    assert philox.uniform(SEEDS[:0], (2, 33)).shape == (0, 2, 33)


def test_seeds_are_folded_as_tensorflow_does():
    expected = [tf.random.fold_in(tf.constant(seed), 5) for seed in SEEDS]
    np.testing.assert_array_equal(philox.fold_in(SEEDS, 5), expected)
