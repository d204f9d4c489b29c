"""Ranks, ties and chance against sums over all orders."""

import itertools

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import rank_columns
from uniclip_keras.evaluation.ranking import rank_correct


def all_orders(scores, correct, k):
    """Means over every order that the scores allow.

    Returns hit rate, rank of the first correct one, average precision.
    """
    hits, ranks, precisions = [], [], []
    for order in itertools.permutations(range(len(scores))):
        best_first = sorted(order, key=lambda i: -scores[i])
        places = [p for p, i in enumerate(best_first, 1) if correct[i]]
        hits.append(places[0] <= k)
        ranks.append(places[0])
        precisions.append(np.mean([i / p for i, p in enumerate(places, 1)]))
    return np.mean(hits), np.mean(ranks), np.mean(precisions)


def points(scores):
    """Unit vectors whose cosine with [1, 0] is the score."""
    scores = np.asarray(scores, float)
    return np.stack([scores, np.sqrt(1 - scores**2)], axis=1)


@pytest.mark.parametrize(
    "scores, labels",
    [
        ([0.9, 0.5, 0.1, -0.3, -0.5], "babbb"),
        ([0.5, 0.5, 0.5, 0.5, 0.5], "babbb"),
        ([0.5, 0.5, 0.5, 0.5, 0.5], "aabab"),
        ([0.9, 0.5, 0.5, 0.5, 0.1], "baabb"),
        ([0.9, 0.9, 0.5, 0.5, 0.5], "bbaba"),
        ([0.1, 0.5, 0.9, 0.9, 0.1], "aabba"),
        ([0.9, 0.9, 0.5, 0.5, 0.9, 0.5], "abaabb"),
        ([0.3, 0.3, 0.5, -0.5, 0.3, 0.3], "aabaab"),
    ],
)
def test_ties_count_as_the_mean_over_all_orders(scores, labels):
    ranks, _ = rank_correct([[1.0, 0.0]], points(scores), ["a"], list(labels))
    correct = [label == "a" for label in labels]
    for k in (1, 2, 3, 5, 8):
        hit, rank, precision = all_orders(scores, correct, k)
        np.testing.assert_allclose(ranks.hit(k), [hit], atol=1e-12)
        np.testing.assert_allclose(ranks.rank(), [rank], atol=1e-12)
    np.testing.assert_allclose(ranks.average_precision, [precision], atol=1e-12)


@pytest.mark.parametrize("shape", [(7, 3, 5), (130, 257, 64), (65, 1000, 96)])
def test_a_constant_embedding_scores_exactly_chance(shape):
    n, m, dim = shape
    rng = np.random.default_rng(0)
    row = rng.normal(size=dim)
    # One direction; the lengths make the unit vectors differ by rounding.
    ranks, chance = rank_correct(
        row * rng.uniform(0.1, 10, size=[n, 1]),
        row * rng.uniform(0.1, 10, size=[m, 1]),
        [str(i % 3) for i in range(n)],
        [str(i % 7) for i in range(m)],
    )
    for k in (1, 5, 10):
        np.testing.assert_allclose(ranks.hit(k), chance.hit(k), atol=1e-12)
    np.testing.assert_allclose(ranks.rank(), chance.rank())
    np.testing.assert_allclose(
        ranks.average_precision, chance.average_precision
    )


def test_chance_is_what_random_embeddings_score():
    rng = np.random.default_rng(1)
    hits, labels = [], (list("aabbc" * 4), list("aaabbcdddddd"))
    for _ in range(300):
        queries, candidates = np.split(rng.normal(size=[32, 16]), [20])
        ranks, chance = rank_correct(queries, candidates, *labels)
        hits.append(ranks.hit(2).mean())
    # Six thousand draws of p = 0.32: one standard error is 0.006.
    assert np.mean(hits) == pytest.approx(chance.hit(2).mean(), abs=0.02)


def test_columns_rank_like_candidates():
    queries, candidates = points([0.2, 0.9, 0.7]), points([0.3, 0.3, -0.8])
    expected, _ = rank_correct(queries, candidates, [0, 1, 2], [0, 1, 2])
    found = rank_columns(np.round(queries @ candidates.T, 5), [0, 1, 2])
    np.testing.assert_array_equal(found, expected)


# Few correct candidates per query are compared, many are sorted.
@pytest.mark.parametrize("distinct", [31, 9, 2])
def test_block_size_does_not_matter(distinct):
    rng = np.random.default_rng(2)
    queries, candidates = rng.normal(size=[23, 8]), rng.normal(size=[31, 8])
    labels = [str(i % distinct) for i in range(31)]
    arguments = queries, candidates, labels[:23], labels
    whole, _ = rank_correct(*arguments)
    for elements in (1, 31, 100):
        parts, _ = rank_correct(*arguments, elements)
        np.testing.assert_array_equal(parts, whole)


def test_length_of_embeddings_does_not_matter():
    candidates = [[0.1, 0.0], [50.0, 50.0]]
    ranks, _ = rank_correct([[5.0, 0.1]], candidates, ["a"], ["a", "b"])
    assert ranks.rank() == [1.0]


def test_bad_embeddings_are_refused():
    good, labels = np.eye(3), list("abc")
    broken = np.diag([1, np.nan, np.inf])
    for queries, candidates, candidate_labels, words in (
        (broken, good, labels, "2 of 3 queries hold NaN"),
        (good, np.ones(3), labels, r"candidates have shape \(3,\)"),
        (good, np.ones([3, 2]), labels, "3 dimensions and the candidates 2"),
        (good, good, labels[:2], "3 candidates and 2 labels"),
        (good, good, np.eye(3), r"3 candidates and an array \(3, 3\) of lab"),
    ):
        with pytest.raises(InputError, match=words):
            rank_correct(queries, candidates, labels, candidate_labels)
