"""Tiles of the logit matrix: which exist, and which logits in them count.

The sorted rows of a domain are cut into blocks of equal size. A tile holds
the logits between a block of rows and a block of columns.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

# Largest tiles on a CPU, measured: tiles of 4 MiB stay near the caches and keep
# every core busy. Positives form a narrow band, of which small tiles waste
# less. Accelerators are not measured: each tile starts about ten kernels and,
# on GPUs, has the host wait for a condition, tens of microseconds in which a
# GPU computes a tile of 1024 rows. Tiles of 4096 rows take a millisecond.
TILE_SIZES = {"CPU": 1024, "GPU": 4096, "TPU": 4096}
BAND_TILE_SIZES = {"CPU": 256, "GPU": 1024, "TPU": 1024}
# The rank of rows that only fill up the last block. It sorts after all others.
PADDING = float("inf")


class Blocks(NamedTuple):
    """`Rows` in blocks of equal size. Padding fills up the last block.

    What makes masks is float32 and what steers loops int32. On GPUs, kernels
    that compare int32 run on the host: good for a number that a loop waits
    for, but a detour for a mask.
    """

    z: tf.Tensor | None  # float32 [blocks, size, dim]
    ranks: tf.Tensor  # float32 [blocks, size], PADDING where there is no row
    indices: tf.Tensor  # float32 [blocks, size]
    lowest: tf.Tensor  # int32 [blocks], the lowest rank of each block
    highest: tf.Tensor  # int32 [blocks]
    filled: tf.Tensor  # int32 [blocks], the number of rows in each block

    def shape(self):
        """Returns `[blocks, size]`, static where known: TPUs need it."""
        static, dynamic = self.ranks.shape, tf.shape(self.ranks)
        return [static[d] or dynamic[d] for d in (0, 1)]


class Rectangle(NamedTuple):
    """A part of the logit matrix."""

    # The logits that count: "negatives" (other ids), "positives" or "all".
    where: str
    include_self: bool  # Whether an anchor is its own candidate.
    row_domain: str
    column_domain: str
    rows: Blocks  # They are anchors.
    columns: Blocks
    # Whether the columns are anchors, too. Within one domain, the tiles below
    # the diagonal are then those above it.
    columns_are_anchors: bool
    first_column: int = 0  # The columns' first block among all of the domain

    @property
    def is_square(self):
        """Whether rows and columns belong to the same domain."""
        return self.row_domain == self.column_domain

    @property
    def leaves_out_self(self):
        """Whether an anchor among its own candidates does not count."""
        return self.is_square and not self.include_self

    @property
    def directions(self):
        """The directions `(anchor domain, candidate domain)` that it serves."""
        directions = [(self.row_domain, self.column_domain)]
        if self.columns_are_anchors and not self.is_square:
            directions.append((self.column_domain, self.row_domain))
        return directions

    def is_one_tile(self):
        """Whether no loop is needed, whose cost would slow small batches."""
        return self.rows.ranks.shape[0] == self.columns.ranks.shape[0] == 1


def make_blocks(rows, largest):
    """Cuts `Rows` into the fewest `Blocks` of at most `largest` rows."""
    count = _length(rows.ranks)
    size = block_size(count, largest)
    ranks = split(tf.cast(rows.ranks, tf.float32), size, PADDING)
    blocks = _length(ranks)
    first = size * tf.range(blocks)  # No block is empty.
    filled = tf.minimum(size, count - first)
    return Blocks(
        z=None if rows.z is None else split(rows.z, size, 0.0),
        ranks=ranks,
        indices=split(tf.cast(rows.indices, tf.float32), size, -1.0),
        lowest=tf.gather(rows.ranks, first),
        highest=tf.gather(rows.ranks, first + filled - 1),
        filled=filled,
    )


def default_size(where):
    """Returns the largest number of rows of a tile on this kind of device."""
    sizes = BAND_TILE_SIZES if where == "positives" else TILE_SIZES
    kinds = {device.device_type for device in tf.config.list_logical_devices()}
    return next(sizes[kind] for kind in ("TPU", "GPU", "CPU") if kind in kinds)


def to_blocks(x, blocks):
    """Cuts numbers per row `[n, ...]` like `blocks`: `[blocks, size, ...]`."""
    return split(x, blocks.shape()[1], 0.0)


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

    `totals` holds a tensor `[blocks, size, k]` for each of the rectangle's
    `directions`, as does the result. `visit` maps the indices of a row block
    and a column block to two functions that update the totals of these blocks.
    """
    start, stop = _column_span(rectangle)

    def visit_tile(i, j, row_total, totals):
        update_row, update_column = visit(i, j)
        row_total = update_row(row_total)
        if not rectangle.columns_are_anchors:
            return row_total, totals
        old = new = totals[-1]

        def updated():
            return _set(old, j, update_column(tf.gather(old, j)))

        # A tile on the diagonal has each of its anchors among its rows.
        if not rectangle.is_square:
            new = updated()
        elif not rectangle.is_one_tile():
            new = tf.cond(j > i, updated, lambda: old)
        return row_total, [*totals[:-1], new]

    def visit_row(i, totals):
        def visit_next(j, row_total, totals):
            return j + 1, *visit_tile(i, j, row_total, totals)

        first = start[i]
        if rectangle.columns_are_anchors and rectangle.is_square:
            first = tf.maximum(first, i)
        _, row_total, totals = _loop(
            visit_next, (first, tf.gather(totals[0], i), totals), stop[i]
        )
        return i + 1, [_set(totals[0], i, row_total), *totals[1:]]

    if rectangle.is_one_tile():
        row_total, totals = visit_tile(0, 0, totals[0][0], totals)
        return [row_total[None], *totals[1:]]
    return _loop(visit_row, (0, totals), rectangle.rows.shape()[0])[-1]


def mask_tile(rectangle, i, j, s, masked_value):
    """Replaces the logits `s` `[rows, columns]` of a tile that do not count.

    Rows are sorted by id, so on one device few tiles need a mask, and fewer
    hold padding. Among the rows of many replicas nearly every tile needs one,
    so it takes as few passes over the tile as it can.
    """
    rows, columns = rectangle.rows, rectangle.columns

    def masked(padding=False):
        keep = _conditions(rectangle, i, j, padding)
        keep = functools.reduce(tf.logical_and, keep)  # [rows, columns]
        return tf.where(keep, s, masked_value)

    def masked_where_ids_meet():
        meet = (rows.highest[i] >= columns.lowest[j]) & (
            columns.highest[j] >= rows.lowest[i]
        )
        return tf.cond(meet, masked, lambda: s)

    if rectangle.is_one_tile():
        return masked(padding=True)
    if rectangle.where == "positives":
        unpadded = masked
    elif rectangle.where == "negatives" or rectangle.leaves_out_self:
        unpadded = masked_where_ids_meet
    else:
        unpadded = functools.partial(tf.identity, s)
    padded = (rows.filled[i] < rows.shape()[1]) | (
        columns.filled[j] < columns.shape()[1]
    )
    return tf.cond(padded, lambda: masked(padding=True), unpadded)


def _conditions(rectangle, i, j, padding):
    """What a logit of a tile must fulfill to count, bool tensors."""
    rows, columns = rectangle.rows, rectangle.columns
    a = tf.gather(rows.ranks, i)[:, None]
    b = tf.gather(columns.ranks, j)[None, :]
    conditions = [a != PADDING, b != PADDING] if padding else []
    if rectangle.where == "negatives":
        # Which leaves out the anchor itself.
        return [*conditions, a != b]
    if rectangle.where == "positives":
        conditions.append(a == b)
    if rectangle.leaves_out_self:
        conditions.append(
            tf.gather(rows.indices, i)[:, None]
            != tf.gather(columns.indices, j)[None, :]
        )
    return conditions


def _column_span(rectangle):
    """The first column block of each row block, and the end of its columns."""
    rows, columns = rectangle.rows, rectangle.columns
    if rectangle.where == "positives":
        return (
            tf.searchsorted(columns.highest, rows.lowest, side="left"),
            tf.searchsorted(columns.lowest, rows.highest, side="right"),
        )
    start = tf.zeros_like(rows.lowest)
    return start, start + columns.shape()[0]


def split(x, size, padding):
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


def _loop(body, state, stop):
    """Runs `body` one after the other, with the index `state[0]` to `stop`."""
    return tf.while_loop(
        lambda index, *_: index < stop, body, state, parallel_iterations=1
    )


def _set(x, index, value):
    """Replaces one block of `x`, in place where nobody else holds `x`."""
    return tf.tensor_scatter_nd_update(x, [[index]], value[None])
