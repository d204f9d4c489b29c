"""Counts and weights of positives against loops."""

import numpy as np
import pytest

from uniclip_keras.losses.positives import count_equal
from uniclip_keras.losses.positives import positive_counts
from uniclip_keras.losses.positives import term_weights


def test_count_equal():
    rng = np.random.default_rng(0)
    ids, candidates = rng.integers(0, 9, 20), rng.integers(0, 9, 13)
    expected = [(candidates == i).sum() for i in ids]
    np.testing.assert_array_equal(count_equal(ids, candidates), expected)
    huge = np.array([2**62, -(2**62), 2**62 + 1])
    np.testing.assert_array_equal(count_equal(huge, huge), [1, 1, 1])


def test_counts_without_self():
    ids = {"image": np.array([1, 1, 2]), "text": np.array([1, 3])}
    counts = positive_counts(ids, include_self=False)
    np.testing.assert_array_equal(counts["image", "image"], [1, 1, 0])
    np.testing.assert_array_equal(counts["image", "text"], [1, 1, 0])
    np.testing.assert_array_equal(counts["text", "text"], [0, 0])


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ("balanced", {"image-image": 1 / 3, "image-text": 1 / 3}),
        (
            {"image-image": 1.0, "image-text": 3.0, "text-text": 0.0},
            {"image-image": 1 / 4, "image-text": 3 / 4},
        ),
    ],
)
def test_shares_of_the_domain_pairs(weights, shares):
    ids = {"image": np.array([1, 1, 2, 2]), "text": np.array([1, 2])}
    counts = positive_counts(ids, include_self=True)
    terms = term_weights(counts, lambda a, b: "-".join(sorted((a, b))), weights)
    totals = {}
    for (a, b), weight in terms.items():
        name = "-".join(sorted((a, b)))
        totals[name] = totals.get(name, 0.0) + float(
            np.dot(weight, counts[a, b])
        )
    assert sum(totals.values()) == pytest.approx(1.0)
    for name, share in shares.items():
        assert totals[name] == pytest.approx(share)


def test_a_pair_that_is_absent_takes_no_share():
    counts = positive_counts({"image": np.array([1, 1])}, include_self=True)
    terms = term_weights(counts, lambda a, b: f"{a}-{b}", "balanced")
    total = np.dot(terms["image", "image"], counts["image", "image"])
    assert total == pytest.approx(1.0)
