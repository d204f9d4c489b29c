"""The tiled engine: reductions over all candidates in linear memory.

The logits between two domains are a matrix that never exists as a whole. The
engine visits it tile by tile, once to reduce each anchor's candidates to a
number, and once more, in the backward pass, to turn the numbers' gradients
into those of the embeddings. Three facts make it fast:

- logits are symmetric: `s_ij` serves anchor i with candidate j and anchor j
  with candidate i. One device makes each tile once for both, half of a square
  suffices, and the backward pass has one weight per logit,

      W_ij = g_i dv_i/ds_ij + g_j dv_j/ds_ij,   dL/dz_i = sum_j W_ij z_j / tau,

  for the numbers v of the anchors and their gradients g;
- rows are sorted by id, so positives stand near the diagonal: reductions over
  positives visit a narrow band, and elsewhere no tile needs a mask;
- the temperature's gradient follows from the embeddings' own, without another
  sum over tiles: `sum_ij W_ij cos_ij = sum_i <z_i, sum_j W_ij z_j>`.

Of several replicas each visits its own rows against everyone's columns and
takes both roles of its rows there: the others' v and g are gathered, a few
numbers per row, and candidates need no gradient.
"""

import functools

import tensorflow as tf

from uniclip_keras.losses.reductions import Side
from uniclip_keras.losses.rows import join
from uniclip_keras.losses.rows import like
from uniclip_keras.losses.rows import make_blocks
from uniclip_keras.losses.tiles import Rectangle
from uniclip_keras.losses.tiles import keep_candidates
from uniclip_keras.losses.tiles import visit_tiles


def reduce_pair(
    reduction, candidates, domains, inverse_temperature, offset, shifts
):
    """Reduces the logits of a pair of domains for the anchors of each.

    The logits are `(cos_ij - offset) * inverse_temperature`. Exact gradients
    go to the embeddings, both parameters and the shifts.

    Args:
        reduction: of `reductions`.
        candidates: `tiles.Candidates`.
        domains: the pair's `Domain`s: two, or one for a domain with itself.
        inverse_temperature, offset: float32 scalars.
        shifts: per domain float32 `[n]`, see `reductions`.

    Returns:
        per domain float32 `[n]`, the reduction over the other one's rows, in
        the order of the domain's local rows.
    """
    count = len(domains)
    rectangles, blocks = _rectangles(candidates, domains)

    @tf.custom_gradient
    def reduced(inverse, offset, *tensors):
        embeddings, shifts = tensors[:count], tensors[count:]
        logits = functools.partial(_logits, inverse, offset, reduction.outside)
        shift_blocks = list(map(like, shifts, blocks))
        totals = [_start(reduction, b) for b in blocks]
        for rectangle in rectangles:
            totals = _reduce(reduction, rectangle, logits, shift_blocks, totals)
        states = list(map(join, totals, embeddings))
        values = [state[:, 0] for state in states]

        def grad(*upstream):
            sides = list(map(Side, shifts, values, upstream))
            totals = [tf.zeros_like(b.z) for b in blocks]
            for rectangle in rectangles:
                totals = _pull(
                    reduction, rectangle, logits, domains, sides, totals
                )
            pulls = list(map(join, totals, embeddings))
            # What a move of all logits of an anchor would do.
            moves = [
                g * reduction.slope_sum(state)
                for g, state in zip(upstream, states, strict=True)
            ]
            move = tf.add_n(list(map(tf.reduce_sum, moves)))
            # The pulls have each logit twice, once in either role.
            cosines = sum(map(_dot, embeddings, pulls)) / 2
            return (
                cosines - offset * move,
                -inverse * move,
                *(inverse * pull for pull in pulls),
                *(-m if reduction.shifted else tf.zeros_like(m) for m in moves),
            )

        return values, grad

    return reduced(
        inverse_temperature, offset, *(d.local.z for d in domains), *shifts
    )


def _rectangles(candidates, domains):
    """The matrix's parts, and the blocks of each domain's local rows.

    One device takes the whole for both domains' anchors; a replica takes its
    rows of either.
    """
    size = candidates.block_size()
    local = [make_blocks(d.local, size) for d in domains]
    last, same = len(domains) - 1, len(domains) == 1
    if domains[0].order is None:
        whole = Rectangle(
            candidates, 0, last, local[0], local[last], same, True
        )
        return [whole], local
    everyone = [make_blocks(d.everyone, size) for d in domains]
    return [
        Rectangle(
            candidates, d, last - d, rows, everyone[last - d], same, False
        )
        for d, rows in enumerate(local)
    ], local


def _reduce(reduction, rectangle, logits, shifts, totals):
    """Merges a rectangle's candidates into the totals of its anchors."""

    def visit(i, j, mine):
        sides = [tf.gather(shifts[rectangle.row], i)]
        if rectangle.mirrored:
            sides.append(tf.gather(shifts[rectangle.column], j))
        states = reduction.tile(logits(rectangle, i, j), sides)

        def update(theirs):
            return reduction.merge(theirs, states[-1])

        return reduction.merge(mine, states[0]), update

    return visit_tiles(rectangle, visit, totals)


def _pull(reduction, rectangle, logits, domains, sides, totals):
    """Adds `sum_j W_ij z_j` of a rectangle to the totals of its anchors."""
    rows, columns = rectangle.rows, rectangle.columns
    near, far = sides[rectangle.row], sides[rectangle.column]
    if not rectangle.mirrored:
        far = map(domains[rectangle.column].to_everyone, far)
    near = [like(x, rows) for x in near]
    far = [like(x, columns) for x in far]

    def visit(i, j, mine):
        weights = reduction.weights(
            logits(rectangle, i, j),
            Side(*(tf.gather(x, i) for x in near)),
            Side(*(tf.gather(x, j) for x in far)),
        )

        def update(theirs):
            pull = tf.matmul(weights, tf.gather(rows.z, i), transpose_a=True)
            return theirs + pull

        return mine + tf.matmul(weights, tf.gather(columns.z, j)), update

    return visit_tiles(rectangle, visit, totals)


def _logits(inverse, offset, outside, rectangle, i, j):
    """The logits of a tile, `outside` where one is none of the candidates'."""
    rows = tf.gather(rectangle.rows.z, i)
    columns = tf.gather(rectangle.columns.z, j)
    # 1 / tau goes into the small operand of the product.
    s = tf.matmul(rows * inverse, columns, transpose_b=True) - offset * inverse
    return keep_candidates(rectangle, i, j, s, outside)


def _start(reduction, blocks):
    start = tf.constant(reduction.start)
    return tf.broadcast_to(start, [*blocks.sizes(), *start.shape])


def _dot(a, b):
    return tf.reduce_sum(a * b)
