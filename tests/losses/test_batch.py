"""Rows sorted by id, numbers of positives, and weights by hand."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import make_similarity

from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.batch import count_equal
from uniclip_keras.losses.batch import make_domains
from uniclip_keras.losses.weights import mean_weights
from uniclip_keras.losses.weights import scale_to_shares

UNSORTED = {"image": [7, 3, 7, 5, 3, 9], "text": [3, 8, 7]}
# Ascending, as the batch sorts them: counts and weights are in this order.
IDS = {"image": [1, 1, 2, 6], "text": [1, 2, 2, 5]}


def make_batch(ids=IDS, include_self=False):
    z = {d: tf.ones([len(i), 2]) for d, i in ids.items()}
    loss = MPNCE(make_similarity(), include_self=include_self)
    return Batch(loss, z, ids)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shift", [0, -100, 2**62])
def test_rows_are_sorted_by_id(dtype, shift):
    if dtype == "int32":
        shift = min(shift, 2**31 - 10)
    ids = {d: (np.array(i) + shift).astype(dtype) for d, i in UNSORTED.items()}
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
    batch = make_batch(include_self=include_self)
    assert set(batch.counts) == {(a, b) for a in IDS for b in IDS}
    for (a, b), count in batch.counts.items():
        expected = [IDS[b].count(i) for i in IDS[a]]
        if a == b and not include_self:
            expected = [c - 1 for c in expected]
        np.testing.assert_array_equal(count, expected)


def test_mean_weights():
    """Images 1, 1 and 2 and texts 1, 2 and 2 have 2 positives each."""
    weights = mean_weights(make_batch().counts)
    for (anchor, _), weight in weights.items():
        assert weight[-1] == 0.0, anchor  # 6 and 5 have none
        np.testing.assert_allclose(weight[:3], 1 / 2 / 6)


@pytest.mark.parametrize("text_share", [1.0, 0.0])
def test_groups_get_their_shares(text_share):
    batch = make_batch()
    shares = {"image-image": 1.0, "image-text": 3.0, "text-text": text_share}
    weights, present = scale_to_shares(batch.counts, batch.pair_of, shares)
    assert float(present) == 4.0 + text_share
    totals = dict.fromkeys(shares, 0.0)
    for direction, weight in weights.items():
        totals[batch.pair_of(direction)] += float(
            tf.reduce_sum(weight * batch.counts[direction])
        )
    assert totals == pytest.approx(shares)


def test_a_group_without_positives_gets_no_share():
    batch = make_batch({"image": [1, 1], "text": [1, 2]})
    shares = dict.fromkeys(("image-image", "image-text", "text-text"), 1.0)
    weights, present = scale_to_shares(batch.counts, batch.pair_of, shares)
    assert float(present) == 2.0
    np.testing.assert_array_equal(weights["text", "text"], 0.0)
    assert np.isfinite(np.stack(list(weights.values()))).all()
