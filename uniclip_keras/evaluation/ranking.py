"""Ranks of the correct candidates, with ties counted at their expected value.

A model that gives every candidate the same score has learned nothing and must
score exactly the chance level. So tied candidates stand in a random order, and
every figure is the expectation over these orders; without ties that is the
ordinary count.
"""

from typing import NamedTuple

import numpy as np

from uniclip_keras.errors import InputError

# Cosines of the same directions come out of float32 arithmetic up to about
# 3e-7 apart.
TIE_TOLERANCE = 1e-6
# 16 MiB of float32 similarities at a time.
BLOCK_ELEMENTS = 2**22


class Ranks(NamedTuple):
    """Where the best correct candidate of each query stands.

    Attributes:
        better: int [n], candidates that score strictly higher.
        tied: int [n], candidates that score the same, itself included.
        correct: int [n], how many of the tied ones are correct; at least 1.
    """

    better: np.ndarray
    tied: np.ndarray
    correct: np.ndarray

    def hit(self, k):
        """Probability that a correct candidate is among the first `k`.

        Args:
            k: int, at least 1.

        Returns:
            float64 [n]: 0 or 1 without ties, between them with ties.
        """
        places = np.clip(k - self.better, 0, self.tied)
        miss = np.ones(len(self.better))
        # Hypergeometric: each open place in turn goes to a wrong candidate.
        for i in range(min(k, int(self.tied.max(initial=0)))):
            open_place = i < places
            wrong_left = np.maximum(self.tied - self.correct - i, 0)
            all_left = np.maximum(self.tied - i, 1)
            miss = np.where(open_place, miss * wrong_left / all_left, miss)
        return 1.0 - miss

    def rank(self):
        """Expected rank of the best correct candidate, float64 [n], from 1."""
        return self.better + (self.tied + 1) / (self.correct + 1)


def rank_correct(
    queries,
    candidates,
    query_labels,
    candidate_labels,
    block_elements=BLOCK_ELEMENTS,
):
    """Ranks all candidates for each query by cosine similarity.

    A candidate is correct for a query when their labels are equal; any number
    of candidates may be. The full similarity matrix never exists.

    Args:
        queries: float [n, dim].
        candidates: float [m, dim].
        query_labels: n strings.
        candidate_labels: m strings.
        block_elements: most similarities held at a time.

    Returns:
        `(ranks, chance)`, two `Ranks` over the queries that have a correct
        candidate, in order: the model's, and those of a constant embedding.

    Raises:
        InputError: shapes do not fit, or an embedding is not finite.
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
    for rows in blocks(n, m, block_elements):
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
    """The `k` candidates most similar to each query, best first.

    Args:
        queries: float [n, dim].
        candidates: float [m, dim].
        k: int; all candidates when there are fewer.
        block_elements: most similarities held at a time.

    Returns:
        `(indices, scores)`: int [n, min(k, m)] into the candidates and their
        cosine similarities. Equal scores stay in the candidates' order.

    Raises:
        InputError: shapes do not fit, or an embedding is not finite.
    """
    queries = unit_rows(queries, "queries")
    candidates = unit_rows(candidates, "candidates")
    _check_sizes(queries, candidates)
    indices, scores = [], []
    for rows in blocks(len(queries), len(candidates), block_elements):
        block = queries[rows] @ candidates.T
        order = np.argsort(-block, axis=1, kind="stable")[:, :k]
        indices.append(order)
        scores.append(np.take_along_axis(block, order, axis=1))
    return np.concatenate(indices), np.concatenate(scores)


def unit_rows(vectors, name):
    """Rows at unit length in float32; a zero row stays zero.

    Args:
        vectors: float [n, dim].
        name: what they are, for the error message.

    Returns:
        float32 [n, dim].

    Raises:
        InputError: not a matrix with rows, or a value is not finite. (Every
            comparison with NaN is false: a diverged model would rank first.)
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


def blocks(rows, columns, elements):
    """Slices of `rows` such that each holds about `elements` entries."""
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
