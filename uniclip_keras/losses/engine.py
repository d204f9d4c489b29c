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
of all replicas, and treats its rows as anchors and as candidates there. It
gathers `v` and `g` of the other anchors, a few numbers per row. Candidates of
other replicas need no gradient.
"""

import functools

import tensorflow as tf

from uniclip_keras.losses import tiles
from uniclip_keras.losses.reductions import AnchorValues

# Tiles of 4 MiB stay near the caches and keep every core busy. Positives form
# a narrow band, of which small tiles waste less.
TILE_SIZE = 1024
BAND_TILE_SIZE = 256


def reduce_logits(batch, reduction, where, shifts=None):
    """Reduces the logits of each anchor over its candidates in each domain.

    Embeddings, temperatures, offsets and shifts get exact gradients. `where`
    is `"negatives"`, `"positives"` or `"all"`; `shifts` maps domains to a
    number per anchor. The result maps each direction `(anchor domain,
    candidate domain)` to a value per anchor, float32 `[n]`.
    """
    if shifts is None:
        shifts = {
            d: tf.zeros_like(domain.anchors.z[:, 0])
            for d, domain in batch.domains.items()
        }
    parameters = batch.similarity.parameters()  # [pairs] each
    reduced = {}
    for direction in batch.directions:
        if direction not in reduced:
            names = list(dict.fromkeys(direction))
            pair = batch.similarity.pair_index(*direction)
            values = _reduce_pair(
                batch,
                reduction,
                where,
                names,
                [x[pair] for x in parameters],
                shifts,
            )
            directions = zip(names, reversed(names), strict=True)
            reduced.update(zip(directions, values, strict=True))
    return reduced


def _reduce_pair(batch, reduction, where, names, parameters, shifts):
    """Values of the anchors of two domains, or of one domain with itself."""
    domains = [batch.domains[name] for name in names]
    rectangles, blocks = _make_rectangles(batch, where, domains)

    @tf.custom_gradient
    def reduced(inverse, offset, *tensors):
        embeddings, shifts = tensors[: len(domains)], tensors[len(domains) :]
        logits = functools.partial(
            _logits, inverse, offset, reduction.masked_value
        )
        shift_blocks = list(map(tiles.to_blocks, shifts, blocks))
        start = tf.constant(reduction.start)  # [k]
        totals = [
            tf.broadcast_to(start, [*b.shape(), *start.shape]) for b in blocks
        ]
        for rectangle in rectangles:
            totals = _merge_states(
                reduction, rectangle, logits, shift_blocks, totals
            )
        states = list(map(tiles.from_blocks, totals, embeddings))  # [n, k] each
        values = [state[:, 0] for state in states]

        def grad(*gradients):
            anchors = list(map(AnchorValues, shifts, values, gradients))
            totals = [tf.zeros_like(b.z) for b in blocks]
            for rectangle in rectangles:
                totals = _add_weighted_rows(
                    reduction, rectangle, logits, domains, anchors, totals
                )
            # sum_j W_ij z_j, [n, dim] each
            weighted_rows = list(map(tiles.from_blocks, totals, embeddings))
            # Derivatives of the loss by a common shift of an anchor's logits
            logit_shift_gradients = [
                g * reduction.slope_sum(state)
                for g, state in zip(gradients, states, strict=True)
            ]
            total = tf.add_n(list(map(tf.reduce_sum, logit_shift_gradients)))
            # The sum has each logit twice, as s_ij and as s_ji.
            products = map(tf.multiply, embeddings, weighted_rows)
            weighted_cosines = sum(map(tf.reduce_sum, products)) / 2
            return (
                weighted_cosines - offset * total,
                -inverse * total,
                *(inverse * rows for rows in weighted_rows),
                *(
                    -g if reduction.uses_shift else tf.zeros_like(g)
                    for g in logit_shift_gradients
                ),
            )

        return values, grad

    embeddings = [d.anchors.z for d in domains]
    return reduced(*parameters, *embeddings, *(shifts[d] for d in names))


def _make_rectangles(batch, where, domains):
    """The parts of the logit matrix, and the blocks of each domain's anchors.

    One device has one part for the anchors of both domains, a replica one for
    its anchors of each domain.
    """
    default = BAND_TILE_SIZE if where == "positives" else TILE_SIZE
    tile_size = default if batch.tile_size is None else batch.tile_size
    make = functools.partial(tiles.Rectangle, where, batch.include_self)
    last = len(domains) - 1
    anchors = [tiles.make_blocks(d.anchors, tile_size) for d in domains]
    if domains[0].order is None:
        return [make(0, last, anchors[0], anchors[last], True)], anchors
    candidates = [tiles.make_blocks(d.candidates, tile_size) for d in domains]
    return [
        make(d, last - d, rows, candidates[last - d], False)
        for d, rows in enumerate(anchors)
    ], anchors


def _merge_states(reduction, rectangle, logits, shifts, totals):
    """Merges the candidates of a rectangle into the states of its anchors."""

    def visit(i, j):
        sides = [tf.gather(shifts[rectangle.row_domain], i)]
        if rectangle.columns_are_anchors:
            sides.append(tf.gather(shifts[rectangle.column_domain], j))
        states = reduction.tile(logits(rectangle, i, j), sides)
        return (
            lambda total: reduction.merge(total, states[0]),  # [rows, k]
            lambda total: reduction.merge(total, states[-1]),  # [columns, k]
        )

    return tiles.visit_tiles(rectangle, visit, totals)


def _add_weighted_rows(reduction, rectangle, logits, domains, anchors, totals):
    """Adds `sum_j W_ij z_j` of a rectangle to the totals of its anchors."""
    rows, columns = rectangle.rows, rectangle.columns
    column_anchors = anchors[rectangle.column_domain]
    if not rectangle.columns_are_anchors:
        column_anchors = map(
            domains[rectangle.column_domain].to_candidates, column_anchors
        )
    row_anchors = [
        tiles.to_blocks(x, rows) for x in anchors[rectangle.row_domain]
    ]
    column_anchors = [tiles.to_blocks(x, columns) for x in column_anchors]

    def visit(i, j):
        w = reduction.logit_gradients(
            logits(rectangle, i, j),
            AnchorValues(*(tf.gather(x, i) for x in row_anchors)),
            AnchorValues(*(tf.gather(x, j) for x in column_anchors)),
        )  # [rows, columns]
        return (
            # [rows, dim] and [columns, dim]
            lambda total: total + tf.matmul(w, tf.gather(columns.z, j)),
            lambda total: (
                total + tf.matmul(w, tf.gather(rows.z, i), transpose_a=True)
            ),
        )

    return tiles.visit_tiles(rectangle, visit, totals)


def _logits(inverse, offset, masked_value, rectangle, i, j):
    """The logits of a tile, `masked_value` where they are not selected."""
    rows = tf.gather(rectangle.rows.z, i)  # [rows, dim]
    columns = tf.gather(rectangle.columns.z, j)  # [columns, dim]
    # Scaling the rows is cheaper than scaling the product: [rows, columns]
    s = tf.matmul(rows * inverse, columns, transpose_b=True) - offset * inverse
    return tiles.mask_tile(rectangle, i, j, s, masked_value)
