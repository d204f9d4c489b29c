"""The largest share of the backward pass that could be left out.

The negatives of MP-NCE add `sum_j W_ij z_j` to the gradient of row i, with the
weights of the engine's docstring over the temperature:

    W_ij = (g_i exp(s_ij - v_i) + g_j exp(s_ij - v_j)) / tau = e_ij (a_i + a_j)

Here all domains stand one after the other, and all weights are computed. That
tells which tiles could be left out, by a test that knows the answer already.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.engine import reduce_logits
from uniclip_keras.losses.losses import over_domains
from uniclip_keras.losses.losses import weighted_sum
from uniclip_keras.losses.reductions import LogSumExp
from uniclip_keras.losses.reductions import SoftplusSum
from uniclip_keras.losses.weights import pair_weights

CHUNK = 512  # Rows of the weights to work on at a time.
STEPS = 12  # Of each bisection.


class Backward(NamedTuple):
    """The backward pass of the negatives, for the rows of all domains."""

    z: np.ndarray  # float32 [n, dim], of unit length
    weights: np.ndarray  # float32 [n, n], 0 for positives
    anchors: np.ndarray  # float64 [n], `a` in the formula
    gradient_norms: np.ndarray  # float64 [n], of the loss by each row
    domain_starts: list  # of int, the first row of each domain, and n


def make_backward(similarity, embeddings, ids):
    """Computes the weights of embeddings that `orders.reorder` has sorted."""
    loss = MPNCE(similarity)
    names = list(embeddings)
    tensors = [tf.constant(embeddings[name]) for name in names]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = loss(dict(zip(names, tensors, strict=True)), ids=ids)
    gradient = np.concatenate(tape.gradient(value, tensors)).astype(float)
    batch = Batch(loss, embeddings, ids)
    values, slopes = _negatives(batch, loss.domain_weights)
    values = np.concatenate([values[name] for name in names]).astype(float)
    slopes = np.concatenate([slopes[name] for name in names]).astype(float)
    anchors = slopes * np.exp(-values)
    z = np.concatenate([batch.domains[name].anchors.z for name in names])
    ids = np.concatenate([ids[name] for name in names])
    lengths = [len(embeddings[name]) for name in names]
    domains = np.repeat(np.arange(len(names)), lengths)
    pairs = np.array(
        [[similarity.pair_index(a, b) for b in names] for a in names]
    )
    inverse, offset = (x.numpy().astype(float) for x in similarity.parameters())
    weights = np.empty([len(z), len(z)], np.float32)
    for i in _chunks(len(z)):
        pair = pairs[domains[i, None], domains]
        x = np.exp((z[i] @ z.T - offset[pair]) * inverse[pair]) * inverse[pair]
        x *= anchors[i, None] + anchors
        weights[i] = np.where(ids[i, None] == ids, 0.0, x)
    return Backward(
        z,
        weights,
        anchors,
        np.linalg.norm(gradient, axis=1),
        [0, *np.cumsum(lengths)],
    )


def _negatives(batch, domain_weights):
    """`logsumexp` of each anchor's negatives, and the loss's slope by it."""
    values = over_domains(reduce_logits(batch, LogSumExp(), "negatives"))
    with tf.GradientTape() as tape:
        tape.watch(values)
        terms = reduce_logits(
            batch, SoftplusSum(-1.0), "positives", shifts=values
        )
        loss = weighted_sum(pair_weights(batch, domain_weights), terms)
    return values, tape.gradient(loss, values)


def droppable_logits(backward, tolerance):
    """Returns the share of single logits that no gradient would miss."""
    w, n = backward.weights, len(backward.z)
    threshold = _largest(
        lambda t: _is_exact(backward, lambda i: w[i] <= t, tolerance),
        float(w[w > 0].min()),
        float(w.max()),
    )
    return sum(np.sum(w[i] <= threshold) for i in _chunks(n)) / n**2


def droppable_tiles(backward, tile_size, tolerance):
    """Returns three shares of the logits that are in droppable tiles.

    First, the relative error of the whole gradient is at most `tolerance`;
    second, that of each row's gradient is. Both drop the tiles first that
    contribute least. Third, as the first, but tiles are dropped in the order
    of the bound `max e_ij (max a_i + max a_j)` on their weights, which a
    forward pass could record.
    """
    starts = np.concatenate(
        [
            np.arange(first, last, tile_size)
            for first, last in zip(
                backward.domain_starts, backward.domain_starts[1:], strict=False
            )
        ]
    )
    sizes = np.diff([*starts, len(backward.z)])
    contributions, row_contributions, bounds = [], [], []
    anchors = np.maximum.reduceat(backward.anchors, starts)
    for start, size, anchor in zip(starts, sizes, anchors, strict=True):
        i = np.arange(start, start + size)
        w = backward.weights[i]
        sums = np.add.reduceat(w, starts, axis=1)  # [size, tiles]
        contributions.append(np.linalg.norm(sums, axis=0))
        norms = backward.gradient_norms[i, None]
        row_contributions.append(np.max(sums / norms, axis=0))
        e = w / (backward.anchors[i, None] + backward.anchors)
        peaks = np.maximum.reduceat(e.max(axis=0), starts)
        bounds.append(peaks * (anchor + anchors))
    areas = np.outer(sizes, sizes) / len(backward.z) ** 2
    blocks = np.repeat(np.arange(len(starts)), sizes)

    def share(scores, per_row=False):
        # One tile serves both roles.
        scores = np.maximum(scores, np.transpose(scores))
        order = np.sort(scores, axis=None)

        def exact(count):
            dropped = scores <= order[int(count) - 1]
            return _is_exact(
                backward,
                lambda i: dropped[blocks[i]][:, blocks],
                tolerance,
                per_row,
            )

        count = int(_largest(exact, 1, len(order)))
        if not exact(count):
            return 0.0
        return float(np.sum(areas[scores <= order[count - 1]]))

    return share(contributions), share(row_contributions, True), share(bounds)


def _is_exact(backward, dropped, tolerance, per_row=False):
    """Whether the gradient without the dropped weights is within tolerance.

    `dropped` maps rows to a mask `[rows, n]`.
    """
    total, limits = 0.0, tolerance * backward.gradient_norms
    for i in _chunks(len(backward.z)):
        mask = dropped(i)
        j = np.flatnonzero(mask.any(axis=0))
        missing = np.where(mask[:, j], backward.weights[i][:, j], 0.0)
        error = (missing @ backward.z[j]).astype(float)
        # Embeddings are scaled to unit length, which only leaves the tangent.
        along = np.sum(error * backward.z[i], axis=1, keepdims=True)
        errors = np.linalg.norm(error - along * backward.z[i], axis=1)
        total += np.sum(errors**2)
        if total > np.sum(limits**2) or (
            per_row and np.any(errors > limits[i])
        ):
            return False
    return True


def _largest(accept, low, high):
    """The largest value that `accept` takes, by bisection of its logarithm.

    Returns `low` where no value that was tried is accepted.
    """
    for _ in range(STEPS):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if accept(middle) else (low, middle)
    return low


def _chunks(n):
    return [np.arange(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)]
