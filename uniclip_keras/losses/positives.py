"""Who is whose positive, and how much each positive counts.

Everything here follows from ids alone: equal ids are positives. Counts come
from sorting, so that memory stays linear in the number of embeddings.
"""

from collections.abc import Mapping

import tensorflow as tf

from uniclip_keras.errors import InputError


def count_equal(ids, candidates):
    """How many of `candidates` `[m]` equal each of `ids` `[n]`: int32 `[n]`."""
    ordered = tf.sort(candidates)
    first = tf.searchsorted(ordered, ids, side="left")
    last = tf.searchsorted(ordered, ids, side="right")
    return last - first


def positive_counts(ids, include_self):
    """Positives of every anchor in every domain of the global batch.

    Args:
        ids: mapping domain -> int `[n_d]`.
        include_self: whether an anchor is its own positive.

    Returns:
        mapping `(anchor domain, positive domain) -> int32 [n_anchor]`.
    """
    counts = {}
    for anchor in ids:
        for positive in ids:
            count = count_equal(ids[anchor], ids[positive])
            if anchor == positive and not include_self:
                count -= 1
            counts[anchor, positive] = count
    return counts


def term_weights(counts, pair_of, domain_weights):
    """The weight of each (anchor, positive) term of the loss.

    The loss is the mean over anchors that have a positive of the mean over
    their positives. "uniform" is exactly that. "balanced" rescales the terms
    of each domain pair present in the batch so that the pairs' shares of the
    total weight are equal and sum to 1; a mapping `pair -> share` makes
    them proportional to its values instead (UniCLIP, section 3.2).

    Args:
        counts: from `positive_counts`.
        pair_of: function from two domains to the name of their pair.
        domain_weights: "balanced", "uniform" or a mapping pair -> share.

    Returns:
        mapping `(anchor domain, positive domain) -> float32 [n_anchor]`, the
        weight of every single term of that anchor with that domain.
    """
    anchors = list(dict.fromkeys(anchor for anchor, _ in counts))
    weights, anchor_count = {}, 0.0
    for anchor in anchors:
        total = tf.add_n(
            [n for (first, _), n in counts.items() if first == anchor]
        )
        anchor_count += tf.reduce_sum(tf.cast(total > 0, tf.float32))
        share = tf.math.divide_no_nan(1.0, tf.cast(total, tf.float32))
        for pair in counts:
            if pair[0] == anchor:
                weights[pair] = share
    for pair in weights:
        weights[pair] = tf.math.divide_no_nan(weights[pair], anchor_count)
    if domain_weights == "uniform":
        return weights
    scale = _scale_per_pair(weights, counts, pair_of, domain_weights)
    return {
        pair: weight * scale[pair_of(*pair)] for pair, weight in weights.items()
    }


def _scale_per_pair(weights, counts, pair_of, domain_weights):
    totals = {}
    for pair, weight in weights.items():
        share = tf.reduce_sum(weight * tf.cast(counts[pair], tf.float32))
        name = pair_of(*pair)
        totals[name] = totals.get(name, 0.0) + share
    wanted = {
        name: tf.where(total > 0, _wanted_share(name, domain_weights), 0.0)
        for name, total in totals.items()
    }
    sum_wanted = tf.add_n(list(wanted.values()))
    return {
        name: tf.math.divide_no_nan(wanted[name], totals[name] * sum_wanted)
        for name in totals
    }


def _wanted_share(name, domain_weights):
    return 1.0 if domain_weights == "balanced" else float(domain_weights[name])


def check_domain_weights(domain_weights, pairs):
    """Raises InputError unless the argument is one of the three forms."""
    if domain_weights in ("balanced", "uniform"):
        return
    if isinstance(domain_weights, Mapping):
        if set(domain_weights) == set(pairs) and all(
            share >= 0 for share in domain_weights.values()
        ):
            return
        allowed = f"a share of 0 or more for each of {list(pairs)}"
    else:
        allowed = '"balanced", "uniform" or a mapping of pairs to shares'
    raise InputError(
        f"domain_weights={domain_weights!r} is not possible; give {allowed}."
    )
