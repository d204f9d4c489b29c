"""Which tiles of the logits' matrix are visited, and which logits count."""

from typing import NamedTuple

import tensorflow as tf

from uniclip_keras.losses.rows import NO_CODE
from uniclip_keras.losses.rows import Blocks

# Tiles of 4 MiB stay near the caches and keep every core busy. Positives form
# a narrow band, of which small tiles waste less.
TILE_SIZE = 1024
BAND_TILE_SIZE = 256


class Candidates(NamedTuple):
    """The candidates of an anchor.

    Attributes:
        where: "negatives" (other ids), "positives" (equal ids) or "all".
        include_self: whether an anchor is its own candidate.
        tile_size: largest number of rows and of columns in a tile; None picks
            it.
    """

    where: str
    include_self: bool
    tile_size: int | None

    def block_size(self):
        if self.tile_size is not None:
            return self.tile_size
        return BAND_TILE_SIZE if self.where == "positives" else TILE_SIZE


class Rectangle(NamedTuple):
    """A part of the logits' matrix.

    Attributes:
        candidates: `Candidates`.
        row, column: the places of the two domains in the pair.
        rows, columns: `Blocks` of embeddings.
        same: whether rows and columns are of one domain.
        mirrored: whether the columns are anchors here as well. Where they are
            the rows, tiles below the diagonal are those above it.
    """

    candidates: Candidates
    row: int
    column: int
    rows: Blocks
    columns: Blocks
    same: bool
    mirrored: bool

    def is_one_tile(self):
        """Known without a loop, whose cost small batches save."""
        return self.rows.codes.shape[0] == self.columns.codes.shape[0] == 1


def visit_tiles(rectangle, visit, totals):
    """Visits the tiles one after the other: one alone is in memory.

    Args:
        visit: `(i, j, total of row block i) -> (new total, function of the
            total of column block j that gives its new one)`.
        totals: per domain `[blocks, size, k]`.

    Returns:
        the new totals.
    """
    row, column = rectangle.row, rectangle.column
    start, stop = _span(rectangle)

    def visit_tile(i, j, mine, totals):
        mine, update = visit(i, j, mine)
        if not rectangle.mirrored:
            return mine, totals
        theirs = totals[column]

        def updated():
            return _set(theirs, j, update(tf.gather(theirs, j)))

        # The diagonal's own tiles hold both roles already.
        mirrors = j > i if rectangle.same else True
        return mine, _replace(
            totals, column, _cond(mirrors, updated, lambda: theirs)
        )

    def visit_row(i, totals):
        def visit_next(j, mine, totals):
            return j + 1, *visit_tile(i, j, mine, totals)

        first = tf.gather(start, i)
        if rectangle.mirrored and rectangle.same:
            first = tf.maximum(first, i)
        _, mine, totals = _loop(
            visit_next,
            (first, tf.gather(totals[row], i), totals),
            tf.gather(stop, i),
        )
        return i + 1, _replace(totals, row, _set(totals[row], i, mine))

    if rectangle.is_one_tile():
        mine, totals = visit_tile(0, 0, totals[row][0], totals)
        return _replace(totals, row, mine[None])
    return _loop(visit_row, (0, totals), rectangle.rows.sizes()[0])[-1]


def keep_candidates(rectangle, i, j, s, outside):
    """The logits of a tile, `outside` where one is none of the candidates'."""

    def masked():
        return tf.where(_mask(rectangle, i, j), s, outside)

    return _cond(_needs_mask(rectangle, i, j), masked, lambda: s)


def _span(rectangle):
    """First column block of each row block, and the one after the last."""
    rows, columns = rectangle.rows, rectangle.columns
    if rectangle.candidates.where == "positives":
        return (
            tf.searchsorted(columns.last, rows.first, side="left"),
            tf.searchsorted(columns.first, rows.last, side="right"),
        )
    start = tf.zeros_like(rows.first)
    return start, start + tf.shape(columns.codes)[0]


def _needs_mask(rectangle, i, j):
    where, include_self, _ = rectangle.candidates
    if where == "positives" or rectangle.is_one_tile():
        return True
    rows, columns = rectangle.rows.block(i), rectangle.columns.block(j)
    filled = (rows.codes[-1] == NO_CODE) | (columns.codes[-1] == NO_CODE)
    if where == "all" and (include_self or not rectangle.same):
        return filled
    apart = (rows.last < columns.first) | (columns.last < rows.first)
    return filled | ~apart


def _mask(rectangle, i, j):
    """Which logits of a tile are candidates': bool `[rows, columns]`."""
    where, include_self, _ = rectangle.candidates
    rows, columns = rectangle.rows.block(i), rectangle.columns.block(j)
    a, b = rows.codes[:, None], columns.codes[None, :]
    keep = (a != NO_CODE) & (b != NO_CODE)
    if where == "negatives":
        return keep & (a != b)
    if rectangle.same and not include_self:
        keep &= rows.places[:, None] != columns.places[None, :]
    return keep & (a == b) if where == "positives" else keep


def _replace(totals, index, total):
    return [*totals[:index], total, *totals[index + 1 :]]


def _cond(condition, then, otherwise):
    if isinstance(condition, bool):
        return then() if condition else otherwise()
    return tf.cond(condition, then, otherwise)


def _loop(body, state, stop):
    """`body` from `state[0]` on, one after the other."""
    return tf.while_loop(
        lambda index, *_: index < stop, body, state, parallel_iterations=1
    )


def _set(x, index, value):
    """`x` with one block replaced: in place where nobody else holds `x`."""
    return tf.tensor_scatter_nd_update(x, [[index]], value[None])
