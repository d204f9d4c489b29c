"""Row blocks against one call over all rows."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.losses.blocks import BLOCK_ELEMENTS
from uniclip_keras.losses.blocks import choose_block_size
from uniclip_keras.losses.blocks import sum_over_row_blocks


def weighted_logsumexp(rows, aside, shared):
    (weights,) = aside
    candidates, scale = shared
    logits = scale * tf.matmul(rows, candidates, transpose_b=True)
    return tf.reduce_sum(weights * tf.reduce_logsumexp(logits, axis=1))


@pytest.mark.parametrize("block_size", [1, 3, 4, 7, 100])
@pytest.mark.parametrize("graph", [False, True])
def test_blocks_equal_the_whole(block_size, graph):
    rng = np.random.default_rng(0)
    rows, candidates = (
        tf.constant(rng.normal(size=(n, 3)), tf.float32) for n in (7, 5)
    )
    weights = tf.constant(rng.random(7), tf.float32)
    scale = tf.constant(2.0)

    def value_and_gradients(size):
        with tf.GradientTape() as tape:
            tape.watch([rows, candidates, scale])
            value = 3.0 * sum_over_row_blocks(
                weighted_logsumexp, rows, (weights,), [candidates, scale], size
            )
        return value, *tape.gradient(value, [rows, candidates, scale])

    run = tf.function(value_and_gradients) if graph else value_and_gradients
    for got, expected in zip(
        run(block_size), value_and_gradients(None), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_block_size_bounds_the_block():
    assert choose_block_size(100, 300) is None
    for rows, candidates in ((8192, 12288), (2, 2**24), (65536, 98304)):
        size = choose_block_size(rows, candidates)
        assert size >= 1
        assert size * candidates <= max(BLOCK_ELEMENTS, candidates)
    assert choose_block_size(None, 10) is not None
