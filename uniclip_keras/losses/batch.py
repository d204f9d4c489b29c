"""A batch in the terms that objectives are written in."""

import tensorflow as tf

from uniclip_keras.losses.engine import reduce_pair
from uniclip_keras.losses.positives import mean_weights
from uniclip_keras.losses.positives import positive_counts
from uniclip_keras.losses.positives import share_out
from uniclip_keras.losses.tiles import Candidates


class Batch:
    """A batch in the terms that objectives are written in.

    Numbers per anchor are float32 `[n]` of this replica's rows of a domain,
    sorted by id. A direction is `(anchor domain, candidate domain)`.

    Attributes:
        directions: the directions of the pairs that take part.
        counts: mapping direction -> number of positives per anchor.
    """

    def __init__(self, domains, similarity, pairs, include_self, tile_size):
        self._domains = domains
        self._similarity = similarity
        self._pairs = pairs
        self._include_self = include_self
        self._tile_size = tile_size
        present = [
            (anchor, candidate)
            for anchor in similarity.domains
            for candidate in similarity.domains
            if anchor in domains and candidate in domains
        ]
        self.directions = [d for d in present if self.pair_of(d) in pairs]
        self.counts = positive_counts(domains, self.directions, include_self)

    def pair_of(self, direction):
        """The name of the unordered pair of a direction."""
        similarity = self._similarity
        return similarity.pairs[similarity.pair_index(*direction)]

    def reduce(self, reduction, where, shifts=None):
        """A reduction over each anchor's candidates.

        Args:
            reduction: of `reductions`.
            where: "negatives", "positives" or "all".
            shifts: mapping domain -> a number per anchor, see `reductions`.

        Returns:
            mapping direction -> a number per anchor.
        """
        candidates = Candidates(where, self._include_self, self._tile_size)
        inverse, offset = self._similarity.parameters()
        reduced = {}
        for first, second in self.directions:
            if (first, second) in reduced:
                continue
            names = list(dict.fromkeys([first, second]))
            index = self._similarity.pair_index(first, second)
            values = reduce_pair(
                reduction,
                candidates,
                [self._domains[d] for d in names],
                inverse[index],
                offset[index],
                [self._shift(shifts, d) for d in names],
            )
            for anchor, candidate, value in zip(
                names, reversed(names), values, strict=True
            ):
                reduced[anchor, candidate] = value
        return reduced

    def _shift(self, shifts, domain):
        if shifts is None:
            return tf.zeros_like(self._domains[domain].local.z[:, 0])
        return shifts[domain]

    def weights(self, domain_weights):
        """The weight of every (anchor, positive) term.

        Args:
            domain_weights: "uniform": the mean over anchors of the mean over
                their positives. "balanced": the pairs present in the global
                batch get equal shares that sum to 1. A mapping pair -> share
                makes them proportional to its values.

        Returns:
            mapping direction -> weight per anchor.
        """
        weights = mean_weights(self.counts)
        if domain_weights == "uniform":
            return weights
        if domain_weights == "balanced":
            domain_weights = dict.fromkeys(self._pairs, 1.0)
        weights, present = share_out(
            weights, self.counts, self.pair_of, domain_weights
        )
        return {
            d: tf.math.divide_no_nan(w, present) for d, w in weights.items()
        }

    def weights_per_direction(self, shares):
        """Weights whose sum over a direction's anchors is its share.

        Args:
            shares: mapping direction -> total weight.

        Returns:
            mapping direction -> weight per anchor.
        """
        weights = mean_weights(self.counts)
        return share_out(weights, self.counts, lambda d: d, shares)[0]

    def anchor_weights(self):
        """Weights of the mean over the anchors that have a positive.

        Returns:
            mapping anchor domain -> weight per anchor.
        """
        weights = {}
        for direction, weight in mean_weights(self.counts).items():
            share = weight * self.counts[direction]
            weights[direction[0]] = weights.get(direction[0], 0.0) + share
        return weights

    def row_means(self):
        """Weights of the mean over the rows of each pair's first domain.

        Returns:
            mapping direction -> scalar, for one direction of each pair.
        """
        order = self._similarity.domains.index
        weights = {}
        for anchor, candidate in self.directions:
            if order(anchor) <= order(candidate):
                rows = tf.shape(self._domains[anchor].everyone.z)[0]
                weights[anchor, candidate] = 1.0 / tf.cast(rows, tf.float32)
        return weights


def over_candidates(values):
    """`logsumexp` over an anchor's candidate domains.

    Args:
        values: mapping direction -> `[n]`.

    Returns:
        mapping anchor domain -> `[n]`.
    """
    by_anchor = {}
    for (anchor, _), value in values.items():
        by_anchor.setdefault(anchor, []).append(value)
    return {
        anchor: tf.reduce_logsumexp(tf.stack(parts), axis=0)
        for anchor, parts in by_anchor.items()
    }


def weighted_sum(weights, values):
    """`sum weights * values` over directions and anchors."""
    return tf.add_n([tf.reduce_sum(weights[d] * values[d]) for d in weights])
