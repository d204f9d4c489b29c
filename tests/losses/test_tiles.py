"""Rows cut into blocks, and joined again."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.losses.batch import make_domains
from uniclip_keras.losses.tiles import PADDING
from uniclip_keras.losses.tiles import block_size
from uniclip_keras.losses.tiles import from_blocks
from uniclip_keras.losses.tiles import make_blocks
from uniclip_keras.losses.tiles import to_blocks

IDS = [7, 3, 7, 5, 3, 9]


@pytest.mark.parametrize("count", [1, 2, 7, 12, 13])
@pytest.mark.parametrize("largest", [1, 3, 4, 12, 100])
def test_blocks_are_few_and_equal(count, largest):
    size = block_size(count, largest)
    assert 1 <= size <= largest
    blocks = -(-count // size)
    assert blocks == -(-count // largest)
    # Rows are spread evenly: no size smaller by one would do.
    assert (size - 1) * blocks < count
    assert block_size(tf.constant(count), largest) == size


@pytest.mark.parametrize("largest", [1, 2, 4, 5, 9])
def test_to_blocks_and_back(largest):
    z = np.random.default_rng(0).normal(size=(len(IDS), 2))
    rows = make_domains({"image": z}, {"image": IDS})["image"].anchors
    blocks = make_blocks(rows, largest)
    count, size = blocks.shape()
    np.testing.assert_array_equal(from_blocks(blocks.z, rows.z), rows.z)
    np.testing.assert_array_equal(from_blocks(blocks.ranks, rows.z), rows.ranks)
    padding = np.reshape(blocks.ranks, [-1])[len(IDS) :]
    assert len(padding) == count * size - len(IDS)
    assert (padding == PADDING).all()
    for ranks, lowest, highest in zip(
        blocks.ranks.numpy(), blocks.lowest, blocks.highest, strict=True
    ):
        real = ranks[ranks != PADDING]
        assert (lowest, highest) == (real[0], real[-1])
    numbers = tf.range(6, dtype=tf.float32)
    in_blocks = to_blocks(numbers, blocks)
    assert in_blocks.shape == (count, size)
    np.testing.assert_array_equal(from_blocks(in_blocks, rows.z), numbers)
