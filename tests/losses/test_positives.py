"""Counts and weights of positives against loops."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.losses.positives import count_equal
from uniclip_keras.losses.positives import mean_weights
from uniclip_keras.losses.positives import positive_counts
from uniclip_keras.losses.positives import share_out
from uniclip_keras.losses.rows import make_domains

# Ascending, as the engine sorts them: counts are in this order.
IDS = {"image": [1, 1, 2, 6], "text": [1, 2, 2, 5]}
DIRECTIONS = [(a, b) for a in IDS for b in IDS]


def make_counts(ids=IDS, include_self=False):
    z = {d: tf.ones([len(i), 2]) for d, i in ids.items()}
    directions = [(a, b) for a in ids for b in ids]
    return positive_counts(make_domains(z, ids), directions, include_self)


def pair_of(direction):
    return "-".join(sorted(direction))


def test_count_equal():
    rng = np.random.default_rng(0)
    ids, candidates = rng.integers(0, 9, 20), np.sort(rng.integers(0, 9, 13))
    expected = [(candidates == i).sum() for i in ids]
    np.testing.assert_array_equal(count_equal(ids, candidates), expected)
    huge = np.array([-(2**62), 2**62, 2**62 + 1])
    np.testing.assert_array_equal(count_equal(huge, huge), [1, 1, 1])


@pytest.mark.parametrize("include_self", [False, True])
def test_counts(include_self):
    counts = make_counts(include_self=include_self)
    assert set(counts) == set(DIRECTIONS)
    for (a, b), count in counts.items():
        expected = [IDS[b].count(i) for i in IDS[a]]
        if a == b and not include_self:
            expected = [c - 1 for c in expected]
        np.testing.assert_array_equal(count, expected)


def test_mean_weights():
    """Images 1, 1 and 2 and texts 1, 2 and 2 have 2 positives each."""
    weights = mean_weights(make_counts())
    for (anchor, _), weight in weights.items():
        assert weight[-1] == 0.0, anchor  # 6 and 5 have none
        np.testing.assert_allclose(weight[:3], 1 / 2 / 6)


@pytest.mark.parametrize("text_share", [1.0, 0.0])
def test_shares(text_share):
    counts = make_counts()
    shares = {"image-image": 1.0, "image-text": 3.0, "text-text": text_share}
    weights, present = share_out(mean_weights(counts), counts, pair_of, shares)
    assert float(present) == 4.0 + text_share
    totals = dict.fromkeys(shares, 0.0)
    for direction, weight in weights.items():
        totals[pair_of(direction)] += float(
            tf.reduce_sum(weight * counts[direction])
        )
    assert totals == pytest.approx(shares)


def test_a_group_without_positives_has_no_share():
    counts = make_counts({"image": [1, 1], "text": [1, 2]})
    shares = dict.fromkeys(("image-image", "image-text", "text-text"), 1.0)
    weights, present = share_out(mean_weights(counts), counts, pair_of, shares)
    assert float(present) == 2.0
    np.testing.assert_array_equal(weights["text", "text"], 0.0)
    assert np.isfinite(np.stack(list(weights.values()))).all()
