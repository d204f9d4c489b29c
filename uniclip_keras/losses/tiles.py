"""Tiles of the logit matrix: which exist, and which logits in them count.

The sorted rows of a domain are cut into blocks of equal size. A tile holds
the logits between a block of rows and a block of columns.
"""

from typing import NamedTuple

import tensorflow as tf

# The rank of rows that only fill up the last block. It sorts after all others.
PADDING = tf.int32.max


class Blocks(NamedTuple):
    """`Rows` in blocks of equal size. Padding fills up the last block."""

    z: tf.Tensor  # float32 [blocks, size, dim]
    ranks: tf.Tensor  # int32 [blocks, size], PADDING where there is no row
    indices: tf.Tensor  # int32 [blocks, size]
    lowest: tf.Tensor  # int32 [blocks], the lowest rank of each block
    highest: tf.Tensor  # int32 [blocks]

    def block(self, index):
        """Returns one block, without its embeddings."""
        return Blocks(None, *(tf.gather(x, index) for x in self[1:]))

    def shape(self):
        """Returns `[blocks, size]`, static where known: TPUs need it."""
        static, dynamic = self.ranks.shape, tf.shape(self.ranks)
        return [static[d] or dynamic[d] for d in (0, 1)]


class Rectangle(NamedTuple):
    """A part of the logit matrix."""

    # The logits that count: "negatives" (other ids), "positives" or "all".
    where: str
    include_self: bool  # Whether an anchor is its own candidate.
    row_domain: int  # Indices of the two domains in their pair.
    column_domain: int
    rows: Blocks  # They are anchors.
    columns: Blocks
    # Whether the columns are anchors, too. Within one domain, the tiles below
    # the diagonal are then those above it.
    columns_are_anchors: bool

    @property
    def is_square(self):
        """Whether rows and columns belong to the same domain."""
        return self.row_domain == self.column_domain

    def is_one_tile(self):
        """Whether no loop is needed, whose cost would slow small batches."""
        return self.rows.ranks.shape[0] == self.columns.ranks.shape[0] == 1


def make_blocks(rows, largest):
    """Cuts `Rows` into the fewest `Blocks` of at most `largest` rows."""
    size = block_size(_length(rows.ranks), largest)
    ranks = _split(rows.ranks, size, PADDING)
    return Blocks(
        z=_split(rows.z, size, 0.0),
        ranks=ranks,
        indices=_split(rows.indices, size, -1),
        lowest=ranks[:, 0],
        highest=tf.reduce_max(tf.where(ranks == PADDING, -1, ranks), axis=1),
    )


def to_blocks(x, blocks):
    """Cuts numbers per row `[n]` like `blocks`: `[blocks, size]`."""
    return _split(x, blocks.shape()[1], 0.0)


def from_blocks(x, rows):
    """Joins blocks `[blocks, size, ...]` to as many rows as `rows` has."""
    return tf.reshape(x, [-1, *x.shape[2:]])[: _length(rows)]


def block_size(count, largest):
    """Returns the size of the fewest equal blocks of at most `largest` rows."""
    maximum = max if isinstance(count, int) else tf.maximum
    blocks = maximum(1, -(-count // largest))
    return maximum(1, -(-count // blocks))


def visit_tiles(rectangle, visit, totals):
    """Visits the tiles one after the other, with only one in memory.

    `totals` holds a tensor `[blocks, size, k]` for each domain of the pair, as
    does the result. `visit` maps the indices of a row block and a column block
    to two functions that update the totals of these blocks.
    """
    row_domain, column_domain = rectangle.row_domain, rectangle.column_domain
    start, stop = _column_span(rectangle)

    def visit_tile(i, j, row_total, totals):
        update_row, update_column = visit(i, j)
        row_total = update_row(row_total)
        if not rectangle.columns_are_anchors:
            return row_total, totals
        old = new = totals[column_domain]

        def updated():
            return _set(old, j, update_column(tf.gather(old, j)))

        # A tile on the diagonal has each of its anchors among its rows.
        if not rectangle.is_square:
            new = updated()
        elif not rectangle.is_one_tile():
            new = tf.cond(j > i, updated, lambda: old)
        return row_total, _replace(totals, column_domain, new)

    def visit_row(i, totals):
        def visit_next(j, row_total, totals):
            return j + 1, *visit_tile(i, j, row_total, totals)

        first = tf.gather(start, i)
        if rectangle.columns_are_anchors and rectangle.is_square:
            first = tf.maximum(first, i)
        _, row_total, totals = _loop(
            visit_next,
            (first, tf.gather(totals[row_domain], i), totals),
            tf.gather(stop, i),
        )
        row_totals = _set(totals[row_domain], i, row_total)
        return i + 1, _replace(totals, row_domain, row_totals)

    if rectangle.is_one_tile():
        row_total, totals = visit_tile(0, 0, totals[row_domain][0], totals)
        return _replace(totals, row_domain, row_total[None])
    return _loop(visit_row, (0, totals), rectangle.rows.shape()[0])[-1]


def mask_tile(rectangle, i, j, s, masked_value):
    """Replaces the logits `s` `[rows, columns]` of a tile that do not count.

    Rows are sorted by id, so most tiles need no mask.
    """
    where, include_self = rectangle.where, rectangle.include_self
    rows, columns = rectangle.rows.block(i), rectangle.columns.block(j)

    def masked():
        a, b = rows.ranks[:, None], columns.ranks[None, :]
        keep = (a != PADDING) & (b != PADDING)  # [rows, columns]
        if where == "negatives":
            keep &= a != b
        elif rectangle.is_square and not include_self:
            keep &= rows.indices[:, None] != columns.indices[None, :]
        if where == "positives":
            keep &= a == b
        return tf.where(keep, s, masked_value)

    if where == "positives" or rectangle.is_one_tile():
        return masked()
    needed = (rows.ranks[-1] == PADDING) | (columns.ranks[-1] == PADDING)
    if where == "negatives" or (rectangle.is_square and not include_self):
        needed |= (rows.highest >= columns.lowest) & (
            columns.highest >= rows.lowest
        )
    return tf.cond(needed, masked, lambda: s)


def _column_span(rectangle):
    """The first column block of each row block, and the end of its columns."""
    rows, columns = rectangle.rows, rectangle.columns
    if rectangle.where == "positives":
        return (
            tf.searchsorted(columns.highest, rows.lowest, side="left"),
            tf.searchsorted(columns.lowest, rows.highest, side="right"),
        )
    start = tf.zeros_like(rows.lowest)
    return start, start + tf.shape(columns.ranks)[0]


def _split(x, size, padding):
    """`[n, ...]` as `[blocks, size, ...]`, the last block filled up."""
    count = _length(x)
    missing = -count % size
    if not isinstance(missing, int) or missing:
        paddings = [[0, missing]] + [[0, 0]] * (x.shape.rank - 1)
        x = tf.pad(x, paddings, constant_values=padding)
    return tf.reshape(x, [(count + missing) // size, size, *x.shape[1:]])


def _length(x):
    """The number of rows, static where known: TPUs need static shapes."""
    return tf.shape(x)[0] if x.shape[0] is None else x.shape[0]


def _replace(totals, index, total):
    return [*totals[:index], total, *totals[index + 1 :]]


def _loop(body, state, stop):
    """Runs `body` one after the other, with the index `state[0]` to `stop`."""
    return tf.while_loop(
        lambda index, *_: index < stop, body, state, parallel_iterations=1
    )


def _set(x, index, value):
    """Replaces one block of `x`, in place where nobody else holds `x`."""
    return tf.tensor_scatter_nd_update(x, [[index]], value[None])
