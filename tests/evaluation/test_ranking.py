"""Ranks, ties and chance against sums over all orders."""

import itertools

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import nearest
from uniclip_keras.evaluation.ranking import rank_correct


def all_orders(scores, correct, k):
    """Hit rate and mean rank over every order that the scores allow."""
    hits, ranks = [], []
    for order in itertools.permutations(range(len(scores))):
        best_first = sorted(order, key=lambda i: -scores[i])
        rank = 1 + min(p for p, i in enumerate(best_first) if correct[i])
        hits.append(rank <= k)
        ranks.append(rank)
    return np.mean(hits), np.mean(ranks)


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
    ],
)
def test_ties_count_as_the_mean_over_all_orders(scores, labels):
    ranks, _ = rank_correct([[1.0, 0.0]], points(scores), ["a"], list(labels))
    correct = [label == "a" for label in labels]
    for k in (1, 2, 3, 5, 8):
        hit, rank = all_orders(scores, correct, k)
        np.testing.assert_allclose(ranks.hit(k), [hit], atol=1e-12)
        np.testing.assert_allclose(ranks.rank(), [rank], atol=1e-12)


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


def test_chance_is_what_random_embeddings_score():
    rng = np.random.default_rng(1)
    hits, labels = [], (list("aabbc" * 4), list("aaabbcdddddd"))
    for _ in range(300):
        queries, candidates = np.split(rng.normal(size=[32, 16]), [20])
        ranks, chance = rank_correct(queries, candidates, *labels)
        hits.append(ranks.hit(2).mean())
    # Six thousand draws of p = 0.32: one standard error is 0.006.
    assert np.mean(hits) == pytest.approx(chance.hit(2).mean(), abs=0.02)


def test_block_size_does_not_matter():
    rng = np.random.default_rng(2)
    queries, candidates = rng.normal(size=[23, 8]), rng.normal(size=[31, 8])
    labels = [str(i % 9) for i in range(31)]
    arguments = queries, candidates, labels[:23], labels
    whole, _ = rank_correct(*arguments)
    for elements in (1, 31, 100):
        parts, _ = rank_correct(*arguments, elements)
        np.testing.assert_array_equal(parts, whole)


def test_length_of_embeddings_does_not_matter():
    candidates = [[0.1, 0.0], [50.0, 50.0]]
    ranks, _ = rank_correct([[5.0, 0.1]], candidates, ["a"], ["a", "b"])
    assert ranks.rank() == [1.0]


def test_nearest_is_best_first_and_keeps_the_order_of_ties():
    indices, scores = nearest(
        [[1.0, 0.0]], points([0.1, 0.9, 0.5, 0.9]), k=3, block_elements=1
    )
    assert indices.tolist() == [[1, 3, 2]]
    np.testing.assert_allclose(scores, [[0.9, 0.9, 0.5]], atol=1e-6)
    assert nearest([[1.0, 0.0]], points([0.1]), k=5)[0].tolist() == [[0]]


def test_bad_embeddings_are_refused():
    good, labels = np.eye(3), list("abc")
    broken = np.diag([1, np.nan, np.inf])
    for queries, candidates, candidate_labels, words in (
        (broken, good, labels, "2 of 3 queries hold NaN"),
        (good, np.ones(3), labels, r"candidates have shape \(3,\)"),
        (good, np.ones([3, 2]), labels, "3 dimensions and the candidates 2"),
        (good, good, labels[:2], "3 candidates and 2 labels"),
    ):
        with pytest.raises(InputError, match=words):
            rank_correct(queries, candidates, labels, candidate_labels)
