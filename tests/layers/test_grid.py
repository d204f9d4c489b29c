"""Grids of pixels and of tokens in other sizes."""

import keras
import numpy as np
import pytest

from uniclip_keras.layers import grid


@pytest.mark.parametrize("old, new", [(4, 2), (7, 4), (32, 12), (5, 5), (3, 4)])
def test_area_weights_equal_a_slow_twin(old, new):
    # Each old cell in `new` equal parts, each new one the mean of `old` parts.
    expected = np.zeros((new, old))
    for part in range(old * new):
        expected[part // old, part // new] += 1 / old
    np.testing.assert_allclose(grid.area_weights(old, new), expected, atol=1e-6)


def test_half_the_size_is_the_mean_of_four_pixels():
    images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
    expected = images.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    small = grid.resize_by_area(images, 4)
    np.testing.assert_allclose(small, expected, atol=1e-6)


@pytest.mark.parametrize("first", [0, 1])
def test_positions_of_a_smaller_grid(first):
    layer = grid.GridPositions(16 + first)
    layer.build((None, 16 + first, 3))
    table = layer.position_embeddings.numpy()
    full = layer(np.zeros((2, 16 + first, 3), "float32"))
    np.testing.assert_array_equal(full, np.stack([table, table]))
    small = keras.ops.convert_to_numpy(
        layer(np.zeros((2, 4 + first, 3), "float32"))
    )
    np.testing.assert_array_equal(small[0, :first], table[:first])
    means = table[first:].reshape(2, 2, 2, 2, 3).mean((1, 3)).reshape(4, 3)
    np.testing.assert_allclose(small[1, first:], means, atol=1e-6)
