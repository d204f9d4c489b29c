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
    """The position of the best correct candidate of each query.

    Attributes:
        better: Int array `[n]`. Candidates that score strictly higher.
        tied: Int array `[n]`. Candidates that score the same, itself included.
        correct: Int array `[n]`. Correct ones among the tied; at least 1.
    """

    better: np.ndarray
    tied: np.ndarray
    correct: np.ndarray

    def hit(self, k):
        """Returns the probability of a correct candidate in the first `k`.

        Args:
            k: int, at least 1.

        Returns:
            Float64 array `[n]`: 0 or 1 without ties, between them with ties.
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
    """Ranks all candidates for each query by cosine similarity.

    A candidate is correct if it has the label of the query; any number of
    candidates may be correct. Memory is that of one block of similarities.

    Args:
        queries: Float array `[n, dim]`.
        candidates: Float array `[m, dim]`.
        query_labels: n strings.
        candidate_labels: m strings.
        block_elements: int. Most similarities to hold at a time.

    Returns:
        `(ranks, chance)`: two `Ranks` over the queries that have a correct
        candidate, in order, of the model and of a constant embedding.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    queries = unit_rows(queries, "queries")
    candidates = unit_rows(candidates, "candidates")
    _check_sizes(queries, candidates, query_labels, candidate_labels)
    codes = np.unique(
        np.concatenate(
            [np.asarray(query_labels), np.asarray(candidate_labels)]
        ),
        return_inverse=True,
    )[1]
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
    chance = Ranks(
        better=np.zeros(n, np.int64),
        tied=np.full(n, m),
        correct=correct_of_code[query_codes],
    )
    return Ranks(better, tied, correct), chance


def nearest(queries, candidates, k, block_elements=BLOCK_ELEMENTS):
    """Finds the `k` candidates most similar to each query, best first.

    Args:
        queries: Float array `[n, dim]`.
        candidates: Float array `[m, dim]`.
        k: int. Number of candidates, or all if there are fewer.
        block_elements: int. Most similarities to hold at a time.

    Returns:
        `(indices, scores)`: int `[n, min(k, m)]` into the candidates and their
        cosine similarities. Ties keep the order of the candidates.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    queries = unit_rows(queries, "queries")
    candidates = unit_rows(candidates, "candidates")
    _check_sizes(queries, candidates)
    indices, scores = [], []
    for rows in _blocks(len(queries), len(candidates), block_elements):
        block = queries[rows] @ candidates.T
        order = np.argsort(-block, axis=1, kind="stable")[:, :k]
        indices.append(order)
        scores.append(np.take_along_axis(block, order, axis=1))
    return np.concatenate(indices), np.concatenate(scores)


def unit_rows(vectors, name):
    """Scales rows to unit length in float32; a zero row stays zero.

    Args:
        vectors: Float array `[n, dim]`.
        name: str. What the rows are, for the error message.

    Returns:
        Float32 array `[n, dim]`.

    Raises:
        InputError: If `vectors` is not a matrix with rows, or a value is not
            finite. (Every comparison with NaN is false, so a diverged model
            would rank first.)
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(
            f"The {name} have shape {vectors.shape}; give embeddings of shape "
            "[n, dim] with at least one row."
        )
    broken = int((~np.isfinite(vectors)).any(axis=1).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(vectors)} {name} hold NaN or infinity; the "
            "model has diverged: evaluate an earlier checkpoint, or train "
            "with a lower learning rate."
        )
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def _blocks(rows, columns, elements):
    """Splits `rows` into slices of about `elements` entries each."""
    step = max(1, elements // columns)
    return [slice(i, i + step) for i in range(0, rows, step)]


def _check_sizes(queries, candidates, query_labels=None, candidate_labels=None):
    if queries.shape[1] != candidates.shape[1]:
        raise InputError(
            f"The queries have {queries.shape[1]} dimensions and the "
            f"candidates {candidates.shape[1]}; embed both with one model."
        )
    for name, vectors, labels in (
        ("queries", queries, query_labels),
        ("candidates", candidates, candidate_labels),
    ):
        if labels is not None and len(labels) != len(vectors):
            raise InputError(
                f"There are {len(vectors)} {name} and {len(labels)} labels "
                "for them; give one label for each."
            )
