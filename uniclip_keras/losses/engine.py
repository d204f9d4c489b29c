"""Reductions of logits over all candidates, tile by tile, in linear memory.

For the anchors of a domain `a` and the rows of a domain `b`, `reduce_logits`
computes one of the last three lines, and likewise for the anchors of `b`:

```python
z_a = z_a / np.linalg.norm(z_a, axis=1, keepdims=True)  # [n, dim]
z_b = z_b / np.linalg.norm(z_b, axis=1, keepdims=True)  # [m, dim]
s = (z_a @ z_b.T - offset) / temperature  # [n, m]
same = ids_a[:, None] == ids_b[None, :]  # [n, m]
keep = {"positives": same, "negatives": ~same, "all": same | ~same}[where]
if domain_a == domain_b and not include_self:
    keep = keep & ~np.eye(len(z_a), dtype=bool)
softplus = np.log1p(np.exp(sign * (s - shift[:, None])))  # [n, m]

LogSumExp = np.log(np.sum(np.exp(s), axis=1, where=keep))  # [n]
Sum = np.sum(s, axis=1, where=keep)  # [n]
SoftplusSum = np.sum(softplus, axis=1, where=keep)  # [n]
```

The matrices `[n, m]` take gigabytes for large batches. The engine never holds
them: it visits them tile by tile, once to reduce the candidates of each anchor
to a value, and once more, in the backward pass, to turn the gradients of the
values into those of the embeddings. Three facts make this fast:

- Logits are symmetric: `s_ij` serves anchor i with candidate j, and anchor j
  with candidate i. On one device, each tile is computed once for both, and
  half of a square suffices. The backward pass needs one weight per logit: with
  the values `v` of the anchors and their gradients `g`,

      W_ij = g_i dv_i/ds_ij + g_j dv_j/ds_ij,   dL/dz_i = sum_j W_ij z_j / tau.

- Rows are sorted by id, so positives lie near the diagonal. Reductions over
  positives visit a narrow band, and away from it no tile needs a mask.
- The gradient of the temperature follows from those of the embeddings, without
  another pass: `sum_ij W_ij cos_ij = sum_i <z_i, sum_j W_ij z_j>`.

With several replicas, each visits the logits of its own rows with the columns
of all replicas, and treats its rows as anchors and as candidates there. Hence
candidates of other replicas need no gradient. Their embeddings visit in parts,
in both passes (see `exchange`), and of the anchors of other replicas it
gathers `v` and `g`, a few numbers per row.
"""

import functools

import tensorflow as tf

from uniclip_keras.losses import tiles
from uniclip_keras.losses.matrix import LogitMatrix
from uniclip_keras.losses.reductions import AnchorValues


def reduce_logits(batch, reduction, where, shifts=None):
    """Reduces the logits of each anchor over its candidates in each domain.

    Embeddings, temperatures, offsets and shifts get exact gradients. `where`
    is `"negatives"`, `"positives"` or `"all"`; `shifts` maps domains to a
    number per anchor. The result maps each direction `(anchor domain,
    candidate domain)` to a value per anchor, float32 `[n]`.
    """
    matrix = LogitMatrix(batch, where)
    embeddings = {d: batch.domains[d].anchors.z for d in matrix.domains}
    if shifts is None:
        shifts = {d: tf.zeros_like(z[:, 0]) for d, z in embeddings.items()}
    count = len(matrix.domains)

    @tf.custom_gradient
    def reduced(inverse, offset, *tensors):
        shifts = dict(zip(matrix.domains, tensors[count:], strict=True))
        logits = functools.partial(
            _logits, batch.similarity, inverse, offset, reduction.masked_value
        )
        states = _reduce(matrix, reduction, logits, shifts)  # [n, k] each
        values = {d: state[:, 0] for d, state in states.items()}

        def grad(*gradients):
            numbers = {
                d: AnchorValues(shifts[d[0]], value, gradient)
                for (d, value), gradient in zip(
                    values.items(), gradients, strict=True
                )
            }
            cosines, weighted_rows = _sum_weighted(
                matrix, reduction, logits, inverse, numbers
            )
            # Derivatives of the loss by a common shift of an anchor's logits,
            # by anchor and, in total, by pair
            by_anchor = {d: tf.zeros_like(shifts[d]) for d in matrix.domains}
            by_pair = tf.zeros_like(inverse)
            for direction, state in states.items():
                shift_gradients = numbers[direction].gradient * (
                    reduction.slope_sum(state)
                )
                by_anchor[direction[0]] += shift_gradients
                by_pair = _add_to_pair(
                    batch.similarity,
                    direction,
                    by_pair,
                    tf.reduce_sum(shift_gradients),
                )
            return (
                cosines - offset * by_pair,
                -inverse * by_pair,
                *(weighted_rows[d] for d in matrix.domains),
                *(
                    -g if reduction.uses_shift else tf.zeros_like(g)
                    for g in by_anchor.values()
                ),
            )

        return list(values.values()), grad

    values = reduced(
        *batch.similarity.parameters(),  # [pairs] each
        *embeddings.values(),
        *(shifts[d] for d in matrix.domains),
    )
    return dict(zip(batch.directions, values, strict=True))


def _reduce(matrix, reduction, logits, shifts):
    """The states `[n, k]` of the anchors, by direction."""
    start = tf.constant(reduction.start)  # [k]
    shifts = {d: matrix.anchor_blocks(d, x) for d, x in shifts.items()}

    def visit_rectangle(rectangle, states):
        def visit(i, j):
            sides = [tf.gather(shifts[rectangle.row_domain], i)]
            if rectangle.columns_are_anchors:
                sides.append(tf.gather(shifts[rectangle.column_domain], j))
            tile_states = reduction.tile(logits(rectangle, i, j), sides)
            return (
                # [rows, k] and [columns, k]
                lambda total: reduction.merge(total, tile_states[0]),
                lambda total: reduction.merge(total, tile_states[-1]),
            )

        totals = [states[d] for d in rectangle.directions]
        totals = tiles.visit_tiles(rectangle, visit, totals)
        return states | dict(zip(rectangle.directions, totals, strict=True))

    states = {
        (anchor, candidate): tf.broadcast_to(
            start, [*matrix.anchors[anchor].shape(), *start.shape]
        )
        for anchor, candidate in matrix.batch.directions
    }
    states = matrix.visit(visit_rectangle, states)
    return {d: matrix.join(d[0], state) for d, state in states.items()}


def _sum_weighted(matrix, reduction, logits, inverse, numbers):
    """Sums what the logits weigh: their cosines, and the rows behind them.

    `numbers` are the `AnchorValues` of each direction. Returns `sum_ij W_ij
    cos_ij` by pair, `[pairs]`, and `sum_j W_ij z_j / tau` by domain, `[n, dim]`
    each.
    """
    similarity = matrix.batch.similarity
    anchors, candidates = {}, {}
    for direction, values in numbers.items():
        values = tf.stack(values, axis=1)  # [n, 3]
        domain, _ = direction
        anchors[direction] = matrix.anchor_blocks(domain, values)
        candidates[direction] = matrix.candidate_blocks(domain, values)

    def visit_rectangle(rectangle, state):
        rows, columns = rectangle.rows, rectangle.columns
        direction = rectangle.directions[0]
        row_numbers, column_numbers = (
            anchors[direction],
            candidates[direction[::-1]],
        )

        def visit(i, j):
            column = rectangle.first_column + j
            w = reduction.logit_gradients(
                logits(rectangle, i, j),
                *(
                    AnchorValues(*tf.unstack(tf.gather(x, index), axis=1))
                    for x, index in ((row_numbers, i), (column_numbers, column))
                ),
            )  # [rows, columns]
            return (
                # [rows, dim] and [columns, dim]
                lambda total: total + tf.matmul(w, tf.gather(columns.z, j)),
                lambda total: (
                    total + tf.matmul(w, tf.gather(rows.z, i), transpose_a=True)
                ),
            )

        cosines, weighted_rows = state
        totals = [
            tf.zeros_like(matrix.anchors[anchor].z)
            for anchor, _ in rectangle.directions
        ]
        totals = tiles.visit_tiles(rectangle, visit, totals)
        scale = tf.gather(inverse, similarity.pair_index(*direction))
        for (anchor, _), total in zip(
            rectangle.directions, totals, strict=True
        ):
            # Both sums have each logit twice, as s_ij and as s_ji.
            product = tf.reduce_sum(matrix.anchors[anchor].z * total)
            cosines = _add_to_pair(similarity, direction, cosines, product / 2)
            weighted_rows = weighted_rows | {
                anchor: weighted_rows[anchor] + scale * total
            }
        return cosines, weighted_rows

    zeros = {d: tf.zeros_like(matrix.anchors[d].z) for d in matrix.domains}
    state = tf.zeros_like(inverse), zeros
    cosines, weighted_rows = matrix.visit(visit_rectangle, state)
    return cosines, {d: matrix.join(d, x) for d, x in weighted_rows.items()}


def _add_to_pair(similarity, direction, totals, value):
    """Adds a number to that of a direction's pair in `totals` `[pairs]`."""
    pair = similarity.pair_index(*direction)
    return totals + value * tf.one_hot(pair, totals.shape[0])


def _logits(similarity, inverse, offset, masked_value, rectangle, i, j):
    """The logits of a tile, `masked_value` where they are not selected."""
    pair = similarity.pair_index(rectangle.row_domain, rectangle.column_domain)
    inverse, offset = tf.gather(inverse, pair), tf.gather(offset, pair)
    rows = tf.gather(rectangle.rows.z, i)  # [rows, dim]
    columns = tf.gather(rectangle.columns.z, j)  # [columns, dim]
    # Scaling the rows is cheaper than scaling the product: [rows, columns]
    s = tf.matmul(rows * inverse, columns, transpose_b=True) - offset * inverse
    return tiles.mask_tile(rectangle, i, j, s, masked_value)
