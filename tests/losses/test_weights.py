"""Weights of positives against totals counted by hand."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import make_similarity

from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.weights import mean_weights
from uniclip_keras.losses.weights import scale_to_shares

# Ascending, as the batch sorts them: weights are in this order.
IDS = {"image": [1, 1, 2, 6], "text": [1, 2, 2, 5]}


def make_batch(ids=IDS):
    z = {d: tf.ones([len(i), 2]) for d, i in ids.items()}
    return Batch(MPNCE(make_similarity(), include_self=False), z, ids)


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
