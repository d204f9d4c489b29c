"""The candidates nearest to each query."""

import math

import numpy as np

from uniclip_keras.evaluation.vectors import BLOCK_ELEMENTS
from uniclip_keras.evaluation.vectors import blocks
from uniclip_keras.evaluation.vectors import same_dim
from uniclip_keras.evaluation.vectors import unit_rows


def nearest(queries, candidates, k, block_elements=BLOCK_ELEMENTS):
    """Finds the `k` candidates most similar to each query, best first.

    Args:
        queries: Float array `[n, dim]`.
        candidates: Float array `[m, dim]`.
        k: int. Number of candidates.
        block_elements: int. Most similarities to hold at a time.

    Returns:
        `(indices, scores)`: int `[n, min(k, m)]` into the candidates and their
        cosine similarities. Ties keep the order of the candidates, but any of
        those that are tied for the last place may have it.

    Raises:
        InputError: If shapes do not fit, or an embedding is not finite.
    """
    queries = unit_rows(queries, "queries")
    candidates = unit_rows(candidates, "candidates")
    same_dim(queries, "queries", candidates, "candidates")
    columns = max(k, min(len(candidates), 2 * math.isqrt(block_elements)))
    column_blocks = blocks(len(candidates), 1, columns)
    parts = [
        _nearest_rows(queries[rows], candidates, k, column_blocks)
        for rows in blocks(len(queries), columns, block_elements)
    ]
    indices, scores = zip(*parts, strict=True)
    return np.concatenate(indices), np.concatenate(scores)


def _nearest_rows(queries, candidates, k, column_blocks):
    indices = np.zeros([len(queries), 0], np.int64)
    scores = np.zeros([len(queries), 0], np.float32)
    for columns in column_blocks:
        tile = queries @ candidates[columns].T
        places = np.arange(columns.start, columns.stop)
        if tile.shape[1] > k:
            keep = np.argpartition(tile, -k, axis=1)[:, -k:]
            # In the order of the candidates.
            keep.sort(axis=1)
            tile = np.take_along_axis(tile, keep, axis=1)
            places = places[keep]
        places = np.broadcast_to(places, tile.shape)
        scores = np.concatenate([scores, tile], axis=1)
        indices = np.concatenate([indices, places], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(scores, order, axis=1)
        indices = np.take_along_axis(indices, order, axis=1)
    return indices, scores
