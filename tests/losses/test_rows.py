"""Sorted rows, their codes, and blocks of them."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.losses.rows import NO_CODE
from uniclip_keras.losses.rows import block_size
from uniclip_keras.losses.rows import join
from uniclip_keras.losses.rows import like
from uniclip_keras.losses.rows import make_blocks
from uniclip_keras.losses.rows import make_domains

IDS = {"image": [7, 3, 7, 5, 3, 9], "text": [3, 8, 7]}


def make(ids):
    rng = np.random.default_rng(0)
    z = {d: tf.constant(rng.normal(size=(len(i), 2))) for d, i in ids.items()}
    return z, make_domains(z, ids)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shift", [0, -100, 2**62])
def test_rows_are_sorted_by_id(dtype, shift):
    if dtype == "int32":
        shift = min(shift, 2**31 - 10)
    ids = {d: (np.array(i) + shift).astype(dtype) for d, i in IDS.items()}
    z, domains = make(ids)
    codes = {}
    for d in ids:
        rows = domains[d].local
        places = rows.places.numpy()
        np.testing.assert_array_equal(places, np.argsort(ids[d], kind="stable"))
        assert rows.codes.dtype == tf.int32
        assert (np.diff(rows.codes) >= 0).all()
        directions = tf.linalg.normalize(z[d], axis=1)[0]
        np.testing.assert_allclose(
            rows.z, tf.gather(directions, places), rtol=1e-6
        )
        for place, code in zip(places, rows.codes.numpy(), strict=True):
            # One code for an id in all domains.
            assert codes.setdefault(int(ids[d][place]), code) == code
    assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize("count", [1, 2, 7, 12, 13])
@pytest.mark.parametrize("largest", [1, 3, 4, 12, 100])
def test_blocks_are_few_and_alike(count, largest):
    size = block_size(count, largest)
    assert 1 <= size <= largest
    blocks = -(-count // size)
    assert blocks == -(-count // largest)
    # Rows are spread evenly: no size smaller by one would do.
    assert (size - 1) * blocks < count
    assert block_size(tf.constant(count), largest) == size


@pytest.mark.parametrize("largest", [1, 2, 4, 5, 9])
def test_split_and_joined(largest):
    _, domains = make(IDS)
    rows = domains["image"].local
    blocks = make_blocks(rows, largest)
    count, size = blocks.sizes()
    np.testing.assert_array_equal(join(blocks.z, rows.z), rows.z)
    np.testing.assert_array_equal(join(blocks.codes, rows.z), rows.codes)
    filling = np.reshape(blocks.codes, [-1])[len(IDS["image"]) :]
    assert len(filling) == count * size - len(IDS["image"])
    assert (filling == NO_CODE).all()
    for codes, first, last in zip(
        blocks.codes.numpy(), blocks.first, blocks.last, strict=True
    ):
        real = codes[codes != NO_CODE]
        assert (first, last) == (real[0], real[-1])
    numbers = tf.range(6, dtype=tf.float32)
    in_blocks = like(numbers, blocks)
    assert in_blocks.shape == (count, size)
    np.testing.assert_array_equal(join(in_blocks, rows.z), numbers)
