"""How many positives every anchor has, and how much each of them counts.

Both follow from ids alone. Counts come from sorting, so that memory stays
linear in the number of embeddings.
"""

import tensorflow as tf

from uniclip_keras.losses.replicas import sum_over_replicas


def count_equal(ids, candidates):
    """How many of the ascending `candidates` `[m]` equal each id: `[n]`."""
    first = tf.searchsorted(candidates, ids, side="left")
    last = tf.searchsorted(candidates, ids, side="right")
    return last - first


def positive_counts(domains, directions, include_self):
    """Positives of every local anchor among everyone's candidates.

    Args:
        domains: mapping name -> `rows.Domain`.
        directions: `(anchor domain, candidate domain)` pairs.
        include_self: whether an anchor is its own positive.

    Returns:
        mapping direction -> float32 `[n_anchor]`.
    """
    counts = {}
    for anchor, candidate in directions:
        count = count_equal(
            domains[anchor].local.codes, domains[candidate].everyone.codes
        )
        if anchor == candidate and not include_self:
            count -= 1
        counts[anchor, candidate] = tf.cast(count, tf.float32)
    return counts


def mean_weights(counts):
    """Weights of the mean over anchors of the mean over their positives.

    Only anchors that have a positive count.

    Args:
        counts: from `positive_counts`.

    Returns:
        mapping direction -> float32 `[n_anchor]`, the weight of each single
        (anchor, positive) term of the global batch.
    """
    totals = {}
    for (anchor, _), count in counts.items():
        totals[anchor] = totals.get(anchor, 0.0) + count
    anchors = sum_over_replicas(
        tf.add_n(
            [
                tf.reduce_sum(tf.cast(total > 0, tf.float32))
                for total in totals.values()
            ]
        )
    )
    return {
        direction: tf.math.divide_no_nan(1.0, totals[direction[0]] * anchors)
        for direction in counts
    }


def share_out(weights, counts, group_of, shares):
    """Rescales weights so that each group of directions has its share.

    Args:
        weights: mapping direction -> `[n_anchor]`.
        counts: from `positive_counts`.
        group_of: function direction -> name of its group.
        shares: mapping group -> total weight it gets. A group without a
            single positive in the global batch has none.

    Returns:
        `(weights, present)`: the new weights, and the sum of the shares of
        the groups that have a positive.
    """
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
    return {
        direction: weight * scales[group_of(direction)]
        for direction, weight in weights.items()
    }, present
