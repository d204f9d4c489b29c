"""Rows sorted by id, and numbers of positives."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import make_similarity

from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.batch import count_equal
from uniclip_keras.losses.batch import make_domains

IDS = {"image": [7, 3, 7, 5, 3, 9], "text": [3, 8, 7]}


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shift", [0, -100, 2**62])
def test_rows_are_sorted_by_id(dtype, shift):
    if dtype == "int32":
        shift = min(shift, 2**31 - 10)
    ids = {d: (np.array(i) + shift).astype(dtype) for d, i in IDS.items()}
    rng = np.random.default_rng(0)
    z = {d: tf.constant(rng.normal(size=(len(i), 2))) for d, i in ids.items()}
    domains = make_domains(z, ids)
    ranks = {}
    for d in ids:
        rows = domains[d].anchors
        indices = rows.indices.numpy()
        np.testing.assert_array_equal(
            indices, np.argsort(ids[d], kind="stable")
        )
        assert rows.ranks.dtype == tf.int32
        assert (np.diff(rows.ranks) >= 0).all()
        directions = tf.linalg.normalize(z[d], axis=1)[0]
        np.testing.assert_allclose(
            rows.z, tf.gather(directions, indices), rtol=1e-6
        )
        for index, rank in zip(indices, rows.ranks.numpy(), strict=True):
            # An id has the same rank in all domains.
            assert ranks.setdefault(int(ids[d][index]), rank) == rank
    assert len(set(ranks.values())) == len(ranks)


def test_count_equal():
    rng = np.random.default_rng(0)
    ids, candidates = rng.integers(0, 9, 20), np.sort(rng.integers(0, 9, 13))
    expected = [(candidates == i).sum() for i in ids]
    np.testing.assert_array_equal(count_equal(ids, candidates), expected)
    huge = np.array([-(2**62), 2**62, 2**62 + 1])
    np.testing.assert_array_equal(count_equal(huge, huge), [1, 1, 1])


@pytest.mark.parametrize("include_self", [False, True])
def test_counts(include_self):
    # Ascending, as the batch sorts them: counts are in this order.
    ids = {"image": [1, 1, 2, 6], "text": [1, 2, 2, 5]}
    loss = MPNCE(make_similarity(), include_self=include_self)
    batch = Batch(loss, {d: tf.ones([4, 2]) for d in ids}, ids)
    assert set(batch.counts) == {(a, b) for a in ids for b in ids}
    for (a, b), count in batch.counts.items():
        expected = [ids[b].count(i) for i in ids[a]]
        if a == b and not include_self:
            expected = [c - 1 for c in expected]
        np.testing.assert_array_equal(count, expected)
