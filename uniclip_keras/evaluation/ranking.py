"""Ranks of the correct candidates, with ties counted at their expected value.

A model that gives every candidate the same score has learned nothing and must
score exactly the chance level. So every metric is the expectation over all
orders of tied candidates; without ties this is the ordinary metric.
"""

from typing import NamedTuple

import numpy as np

from uniclip_keras.errors import InputError

# In float32 the cosines of equal directions differ by up to about 3e-7.
TIE_TOLERANCE = 1e-6
# 16 MiB of float32 similarities at a time.
BLOCK_ELEMENTS = 2**22


class Ranks(NamedTuple):
    """The position of the best correct candidate of each query, ints `[n]`.

    `better` candidates score strictly higher, `tied` ones the same, itself
    included; `correct` of the tied are correct, at least 1.
    """

    better: np.ndarray
    tied: np.ndarray
    correct: np.ndarray

    def hit(self, k):
        """Returns the probability of a correct candidate in the first `k`.

        This is a float64 array `[n]`, 0 or 1 without ties.
        """
        slots = np.clip(k - self.better, 0, self.tied)
        miss = np.ones(len(self.better))
        # Hypergeometric: every slot in turn goes to a wrong candidate.
        for i in range(min(k, int(self.tied.max(initial=0)))):
            wrong_left = np.maximum(self.tied - self.correct - i, 0)
            all_left = np.maximum(self.tied - i, 1)
            miss = np.where(i < slots, miss * wrong_left / all_left, miss)
        return 1.0 - miss

    def rank(self):
        """Returns the expected rank, from 1: float64 array `[n]`."""
        return self.better + (self.tied + 1) / (self.correct + 1)


def rank_correct(
    queries,
    candidates,
    query_labels,
    candidate_labels,
    block_elements=BLOCK_ELEMENTS,
):
    """Ranks candidates `[m, dim]` for queries `[n, dim]` by cosine similarity.

    A candidate is correct if it has the label of the query; any number of
    candidates may be correct. Memory is that of one block of similarities.

    Returns:
        `(ranks, chance)`: two `Ranks` over the queries that have a correct
        candidate, in order, of the model and of a constant embedding.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    queries, candidates = _unit_pair(queries, candidates)
    for name, vectors, labels in (
        ("queries", queries, query_labels),
        ("candidates", candidates, candidate_labels),
    ):
        if len(labels) != len(vectors):
            raise InputError(
                f"There are {len(vectors)} {name} and {len(labels)} labels "
                "for them; give one label for each."
            )
    labels = np.concatenate([query_labels, candidate_labels])
    _, codes = np.unique(labels, return_inverse=True)
    query_codes, candidate_codes = np.split(codes, [len(queries)])
    correct_of_code = np.bincount(candidate_codes, minlength=codes.max() + 1)
    answerable = correct_of_code[query_codes] > 0
    queries, query_codes = queries[answerable], query_codes[answerable]

    n, m = len(queries), len(candidates)
    better, tied, correct = np.zeros([3, n], np.int64)
    for rows in _blocks(n, m, block_elements):
        scores = queries[rows] @ candidates.T
        is_correct = query_codes[rows, None] == candidate_codes
        best = np.where(is_correct, scores, -np.inf).max(1, keepdims=True)
        is_better = scores > best + TIE_TOLERANCE
        is_tied = ~is_better & (scores >= best - TIE_TOLERANCE)
        better[rows] = is_better.sum(1)
        tied[rows] = is_tied.sum(1)
        correct[rows] = (is_tied & is_correct).sum(1)
    chance = np.zeros_like(better), np.full(n, m), correct_of_code[query_codes]
    return Ranks(better, tied, correct), Ranks(*chance)


def nearest(queries, candidates, k, block_elements=BLOCK_ELEMENTS):
    """Finds the `k` candidates most similar to each query, best first.

    Args:
        queries: Float array `[n, dim]`.
        candidates: Float array `[m, dim]`.
        k: int. Number of candidates.
        block_elements: int. Most similarities to hold at a time.

    Returns:
        `(indices, scores)`: int `[n, min(k, m)]` into the candidates and their
        cosine similarities. Ties keep the order of the candidates.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    queries, candidates = _unit_pair(queries, candidates)
    indices, scores = [], []
    for rows in _blocks(len(queries), len(candidates), block_elements):
        block = queries[rows] @ candidates.T
        order = np.argsort(-block, axis=1, kind="stable")[:, :k]
        indices.append(order)
        scores.append(np.take_along_axis(block, order, axis=1))
    return np.concatenate(indices), np.concatenate(scores)


def unit_rows(vectors, name):
    """Scales rows to unit length in float32; a zero row stays zero.

    Refuses NaN: every comparison with it is false, so that a model that has
    diverged would rank first. `name` says what the rows are.
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(
            f"The {name} have shape {vectors.shape}; give [n, dim] with at "
            "least one row."
        )
    broken = int((~np.isfinite(vectors)).any(axis=1).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(vectors)} {name} hold NaN or infinity; evaluate "
            "an earlier checkpoint, or train with a lower learning rate."
        )
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def _blocks(rows, columns, elements):
    """Splits `rows` into slices of about `elements` entries each."""
    step = max(1, elements // columns)
    return [slice(i, i + step) for i in range(0, rows, step)]


def _unit_pair(queries, candidates):
    queries = unit_rows(queries, "queries")
    candidates = unit_rows(candidates, "candidates")
    if queries.shape[1] != candidates.shape[1]:
        raise InputError(
            f"The queries have {queries.shape[1]} dimensions and the "
            f"candidates {candidates.shape[1]}; embed both with one model."
        )
    return queries, candidates
