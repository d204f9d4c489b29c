"""How much each anchor and each of its positives counts in a loss.

Weights follow from the numbers of positives alone. Unless stated otherwise,
the functions map each direction `(anchor domain, candidate domain)` to a
weight per anchor of this replica, float32 `[n]`, which each of the anchor's
positives gets. Totals are those of the global batch, over all replicas.
"""

import tensorflow as tf

from uniclip_keras.losses.replicas import sum_over_replicas


def pair_weights(batch, domain_weights):
    """Weights each positive by the pair of domains that it forms.

    `"uniform"` averages over anchors the average over their positives. See
    `MPNCE` for the other `domain_weights`.
    """
    if domain_weights == "uniform":
        return mean_weights(batch.counts)
    if domain_weights == "balanced":
        domain_weights = dict.fromkeys(batch.pairs, 1.0)
    weights, present = scale_to_shares(
        batch.counts, batch.pair_of, domain_weights
    )
    return {d: tf.math.divide_no_nan(w, present) for d, w in weights.items()}


def direction_weights(batch, shares=None):
    """Gives each direction its total weight in `shares`, by default equal."""
    if shares is None:
        shares = dict.fromkeys(batch.directions, 1.0 / len(batch.directions))
    return scale_to_shares(batch.counts, lambda d: d, shares)[0]


def anchor_weights(batch):
    """Weights the mean over anchors with a positive: `[n]` per domain."""
    weights = {}
    for direction, weight in mean_weights(batch.counts).items():
        share = weight * batch.counts[direction]
        weights[direction[0]] = weights.get(direction[0], 0.0) + share
    return weights


def row_weights(batch):
    """Weights the mean over the rows of the first domain of each pair.

    Maps one direction of each pair to a float32 scalar.
    """
    order = batch.similarity.domains.index
    weights = {}
    for anchor, candidate in batch.directions:
        if order(anchor) <= order(candidate):
            rows = tf.shape(batch.domains[anchor].candidates.ranks)[0]
            weights[anchor, candidate] = 1.0 / tf.cast(rows, tf.float32)
    return weights


def mean_weights(counts):
    """Weights the mean over anchors of the mean over their positives.

    Anchors without a positive do not count.
    """
    totals = {}
    for (anchor, _), count in counts.items():
        totals[anchor] = totals.get(anchor, 0.0) + count
    with_positive = [tf.cast(x > 0, tf.float32) for x in totals.values()]
    anchors = sum_over_replicas(
        tf.add_n([tf.reduce_sum(x) for x in with_positive])
    )
    return {
        d: tf.math.divide_no_nan(1.0, totals[d[0]] * anchors) for d in counts
    }


def scale_to_shares(counts, group_of, shares):
    """Rescales `mean_weights` so that each group of directions gets its share.

    A group without a positive gets none. Returns the weights, and the sum of
    the shares of the groups with a positive.
    """
    weights = mean_weights(counts)
    totals = {}
    for direction, weight in weights.items():
        group = group_of(direction)
        total = tf.reduce_sum(weight * counts[direction])
        totals[group] = totals.get(group, 0.0) + total
    summed = sum_over_replicas(tf.stack(list(totals.values())))
    totals = dict(zip(totals, tf.unstack(summed), strict=True))
    present = tf.add_n(
        [tf.where(totals[g] > 0, float(shares[g]), 0.0) for g in totals]
    )
    scales = {
        g: tf.math.divide_no_nan(float(shares[g]), totals[g]) for g in totals
    }
    return {d: w * scales[group_of(d)] for d, w in weights.items()}, present
