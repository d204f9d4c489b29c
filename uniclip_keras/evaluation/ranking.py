"""Ranks of the correct candidates, with ties counted at their expected value.

A model that gives every candidate the same score has learned nothing and must
score exactly the chance level. So every metric is the expectation over all
orders of tied candidates; without ties this is the ordinary metric. The matrix
of all similarities is never held: a tile of it is counted at a time.
"""

import math
from typing import NamedTuple

import numpy as np

from uniclip_keras.evaluation.vectors import BLOCK_ELEMENTS
from uniclip_keras.evaluation.vectors import blocks
from uniclip_keras.evaluation.vectors import check_labels
from uniclip_keras.evaluation.vectors import same_dim
from uniclip_keras.evaluation.vectors import unit_rows

# In float32 the cosines of equal directions differ by up to about 3e-7.
TIE_TOLERANCE = 1e-6
# Worse than any cosine, by more than the tolerance.
_NO_SCORE = -4.0


class Ranks(NamedTuple):
    """Where the correct candidates of each query stand, arrays `[n]`.

    `better` candidates score strictly higher than the best correct one, `tied`
    the same, itself included; `correct` of the tied are correct, at least 1.
    `average_precision` is the mean of the precisions at the ranks of all
    correct candidates.
    """

    better: np.ndarray
    tied: np.ndarray
    correct: np.ndarray
    average_precision: np.ndarray

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
    candidates may be correct. Beside the embeddings, memory is that of a few
    blocks of similarities.

    Returns:
        `(ranks, chance)`: two `Ranks` over the queries that have a correct
        candidate, in order, of the model and of a constant embedding.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    query_labels = check_labels(query_labels, queries, "queries")
    candidate_labels = check_labels(candidate_labels, candidates, "candidates")
    _, codes = np.unique(
        np.concatenate([query_labels, candidate_labels]), return_inverse=True
    )
    query_codes, candidate_codes = np.split(codes, [len(query_labels)])
    correct_of_code = np.bincount(candidate_codes, minlength=codes.max() + 1)
    # Sorted by label, the correct candidates of a query are a slice.
    answerable = np.flatnonzero(correct_of_code[query_codes])
    order = answerable[np.argsort(query_codes[answerable], kind="stable")]
    by_code = np.argsort(candidate_codes, kind="stable")
    queries = unit_rows(queries, "queries")[order]
    candidates = unit_rows(candidates, "candidates")[by_code]
    same_dim(queries, "queries", candidates, "candidates")
    query_codes, candidate_codes = query_codes[order], candidate_codes[by_code]

    n, m = len(queries), len(candidates)
    columns = min(m, 2 * math.isqrt(block_elements))
    own_count = correct_of_code[query_codes]
    widest = max(columns, own_count.max(initial=1))
    parts = [
        _rank_rows(
            queries[rows],
            query_codes[rows],
            own_count[rows],
            candidates,
            candidate_codes,
            blocks(m, 1, columns),
        )
        for rows in blocks(n, widest, block_elements)
    ]
    # Back to the order in which the queries came.
    back = np.argsort(order, kind="stable")
    ranks = Ranks(*(np.concatenate(x)[back] for x in zip(*parts, strict=True)))
    everything, correct = np.full(n, m), own_count[back]
    nothing = np.zeros(n, np.int64)
    return ranks, _ranks(nothing, everything - correct, correct)


def rank_columns(scores, columns):
    """Ranks the column `columns[i]` among all in row i: `Ranks` of n rows.

    Args:
        scores: Float array `[n, m]`, highest first.
        columns: Ints `[n]`.
    """
    own = np.take_along_axis(scores, np.asarray(columns)[:, None], axis=1)
    better, tied = (scores > own).sum(1), (scores == own).sum(1)
    return _ranks(better, tied - 1, np.ones_like(better))


def expected_precision(above, wrong, before, correct):
    """Sums the precisions at the ranks of candidates that are tied.

    The expectation over all orders of a group of `wrong` and `correct` (at
    least 1) tied candidates, below `above` wrong and `before` correct ones
    (McSherry and Najork 2008, average precision with ties). At place i of the
    group, counted from 1, a candidate is correct with probability correct / n,
    and then (correct - 1) / (n - 1) of the i - 1 before it are.

    Returns:
        Float64 array of the arguments' shape.
    """
    n, ahead = correct + wrong, above + before
    share = (correct - 1) / np.maximum(n - 1, 1)
    # (before + 1 + (i - 1) share) / (ahead + i), summed over i = 1 ... n
    last = int((ahead + n).max(initial=0))
    harmonic = np.cumsum(np.r_[0.0, 1 / np.arange(1, last + 1)])
    rest = before + 1 - share * (ahead + 1)
    sums = n * share + rest * (harmonic[ahead + n] - harmonic[ahead])
    return correct / n * sums


def _ranks(above, wrong, correct):
    """The `Ranks` of queries whose correct candidates are all tied."""
    precision = expected_precision(above, wrong, 0 * above, correct) / correct
    return Ranks(above, wrong + correct, correct, precision)


def _rank_rows(
    queries, codes, own_count, candidates, candidate_codes, column_blocks
):
    """Ranks a few queries, sorted by code as the candidates are."""
    # Similarities to the correct candidates, best first: [rows, most correct].
    own = np.full([len(queries), own_count.max()], _NO_SCORE, np.float32)
    of_code = {}
    for code, start in zip(*np.unique(codes, return_index=True), strict=True):
        rows = slice(start, np.searchsorted(codes, code, "right"))
        first = np.searchsorted(candidate_codes, code)
        correct = slice(first, first + own_count[start])
        of_code[code] = correct
        own[rows, : own_count[start]] = queries[rows] @ candidates[correct].T
    own = -np.sort(-own, axis=1)
    edges = np.concatenate([own + TIE_TOLERANCE, own - TIE_TOLERANCE], axis=1)

    wrong = np.zeros(edges.shape, np.int64)
    for columns in column_blocks:
        scores = queries @ candidates[columns].T
        if (
            columns.start < of_code[codes[-1]].stop
            and columns.stop > of_code[codes[0]].start
        ):
            scores[codes[:, None] == candidate_codes[columns]] = _NO_SCORE - 1
        wrong += _count_at_least(scores, edges)
    above, reached = np.split(wrong, 2, axis=1)

    # Neighbours within the tolerance are a group of ties.
    exists = np.arange(own.shape[1]) < own_count[:, None]
    gap = own[:, :-1] - own[:, 1:] > TIE_TOLERANCE
    edge = np.ones([len(own), 1], bool)
    row, first = np.nonzero(exists & np.concatenate([edge, gap], axis=1))
    _, last = np.nonzero(exists & np.concatenate([gap, edge], axis=1))
    above = above[row, first]
    tied_wrong = reached[row, last] - above
    correct = last - first + 1
    precision = np.bincount(
        row, expected_precision(above, tied_wrong, first, correct)
    )
    best = first == 0
    return Ranks(
        above[best],
        (tied_wrong + correct)[best],
        correct[best],
        precision / own_count,
    )


def _count_at_least(scores, edges):
    """Counts in each row the scores that reach each edge of this row.

    `[r, m]` and `[r, e]` -> int `[r, e]`.
    """
    # Sorting takes about as long as four comparisons.
    if edges.shape[1] <= 4:
        reached = [(scores >= edge[:, None]).sum(1) for edge in edges.T]
        return np.stack(reached, axis=1)
    scores.sort(axis=1)
    below = [np.searchsorted(*row) for row in zip(scores, edges, strict=True)]
    return scores.shape[1] - np.stack(below)
